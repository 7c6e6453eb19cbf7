"""Profiles, data classes, capabilities and limits: closed lists."""

from __future__ import annotations

from typing import Any

import pytest

from unison_storage.capabilities import Capability, Limits
from unison_storage.classification import DataClass
from unison_storage.errors import InvalidConfig
from unison_storage.profiles import Profile, profile_named


@pytest.mark.parametrize("profile", list(Profile))
def test_a_profile_is_found_by_its_name_and_only_two_are_strict(profile: Profile) -> None:
    assert profile_named(profile.value) is profile
    assert profile_named(profile) is profile
    assert profile.strict is (profile.value in {"production", "staging"})


@pytest.mark.parametrize("name", ["", "Production", "prod", " test", None, 1, b"test"], ids=repr)
def test_another_name_is_refused_with_those_that_there_are(name: Any) -> None:
    with pytest.raises(InvalidConfig, match="one of production, staging, test, development") as caught:
        profile_named(name)
    assert caught.value.__suppress_context__


def test_data_classes_and_capabilities_are_those_of_the_architecture() -> None:
    assert set(DataClass) == {"secret", "pii", "content", "behavioural", "ephemeral", "identifier"}
    assert set(Capability) == {"copy", "presign", "query", "bookmarks"}


def test_limits_are_within_what_stores_rely_on() -> None:
    limits = Limits()
    assert limits.batch >= 1
    assert limits.concurrency >= 1
    assert limits.value >= 1024
    assert 0 < limits.lifetime_resolution <= 1
