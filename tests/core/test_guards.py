"""Guard rails: which profile refuses what, told with the setting and the way out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unison_storage.contracts.backend import Durability
from unison_storage.errors import GuardViolation
from unison_storage.guards import RULES, Finding, GuardRule, Served, enforce, findings
from unison_storage.profiles import Profile

served = st.builds(
    Served,
    kind=st.sampled_from(["memory", "object", "object_index"]),
    setting=st.just("UNISON_STORAGE_MEMORY_URL"),
    scheme=st.sampled_from(["sqlite", "reference", "postgresql"]),
    target=st.none(),
    durability=st.sampled_from(list(Durability)),
    production_ready=st.booleans(),
    durable_wanted=st.booleans(),
)
DURABLE = Served("memory", "MY_URL", "postgresql", None, Durability.DURABLE, production_ready=True)
SQLITE = Served("memory", "MY_URL", "sqlite", None, Durability.DURABLE, production_ready=False)
REFERENCE = Served("object", "MY_URL", "reference", None, Durability.PROCESS, production_ready=False)
SPARE = Served("memory", "MY_URL", "reference", None, Durability.PROCESS, production_ready=False, durable_wanted=False)


@given(one=served, profile=st.sampled_from(list(Profile)))
@settings(deadline=None, max_examples=200)
def test_a_strict_profile_lets_through_only_what_is_ready_and_durable_enough(one: Served, profile: Profile) -> None:
    found = findings(RULES, [one], profile)
    enough = one.durability is Durability.DURABLE or not one.durable_wanted
    # what serves entries that need not be durable may be in process, and nothing else that is not ready
    ready = one.production_ready or one.durability is Durability.PROCESS
    assert bool(found) is (profile.strict and not (enough and ready))
    assert {finding.severity for finding in found} <= {"refuse"}


@pytest.mark.parametrize("profile", [Profile.PRODUCTION, Profile.STAGING])
@pytest.mark.parametrize(("one", "rule"), [(SQLITE, "production-ready"), (REFERENCE, "durable")])
def test_a_refusal_names_rule_setting_kind_and_remedy(profile: Profile, one: Served, rule: str) -> None:
    with pytest.raises(GuardViolation) as caught:
        enforce(findings(RULES, [DURABLE, one, SPARE], profile), profile)
    error = caught.value
    assert (error.rule, error.kind) == (rule, one.kind)
    assert error.remedy
    for told in (profile, "MY_URL", one.scheme, error.remedy, one.kind):
        assert told in str(error)
    assert "{" not in str(error)


@pytest.mark.parametrize("profile", [Profile.TEST, Profile.DEVELOPMENT])
def test_development_and_test_forgive_both(profile: Profile) -> None:
    assert list(findings(RULES, [SQLITE, REFERENCE], profile)) == []


def test_what_need_not_be_durable_may_be_in_process_even_in_production() -> None:
    assert list(findings(RULES, [SPARE, DURABLE], Profile.PRODUCTION)) == []


WARN = GuardRule(
    id="one",
    sentence="{scheme} at {setting} for {kind}: look",
    remedy="look at {setting}",
    broken=lambda _served: True,
    severity={Profile.PRODUCTION: "warn", Profile.STAGING: "pass"},
    kinds=("object",),
)


def test_a_warning_is_found_and_not_enforced() -> None:
    found = findings([WARN], [SQLITE, REFERENCE], Profile.PRODUCTION)
    message = "MY_URL (object): reference at MY_URL for object: look"
    assert list(found) == [Finding("one", "warn", "object", "MY_URL", message, "look at MY_URL")]
    enforce(found, Profile.PRODUCTION)
    assert list(findings([WARN], [REFERENCE], Profile.STAGING)) == []
    assert list(findings([WARN], [REFERENCE], Profile.TEST)) == []


def test_findings_come_in_the_order_of_what_is_served_and_the_first_refusal_is_raised() -> None:
    found = findings((rule for rule in (WARN, *RULES)), [REFERENCE, SQLITE], Profile.PRODUCTION)
    assert [(one.rule, one.kind) for one in found] == [
        ("one", "object"),
        ("durable", "object"),
        ("production-ready", "memory"),
    ]
    with pytest.raises(GuardViolation) as caught:
        enforce(found, Profile.PRODUCTION)
    assert caught.value.rule == "durable"
