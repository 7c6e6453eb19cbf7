"""Guard rails: what a profile forbids, as data. They look at settings, not at servers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from unison_storage.contracts.backend import Durability
from unison_storage.errors import GuardViolation
from unison_storage.profiles import Profile
from unison_storage.targets import Target

Severity = Literal["refuse", "warn", "pass"]


class Served(Struct, frozen=True):
    """What serves one kind: enough of it for a rule to judge. ``setting`` is where a change would be made.

    ``target`` is what the URL there says, ``None`` for a ready backend; rules look at it and tell nothing of it.
    """

    kind: str
    setting: str
    scheme: str
    target: Target | None
    durability: Durability
    production_ready: bool
    durable_wanted: bool = True


class GuardRule(Struct, frozen=True):
    """``broken(served, profile)`` says whether the rule is broken; ``remedy`` tells the way out."""

    id: str
    sentence: str
    remedy: str
    broken: Callable[[Served], bool]
    severity: Mapping[Profile, Severity]
    kinds: tuple[str, ...] = ()


class Finding(Struct, frozen=True):
    """One broken rule, for one kind."""

    rule: str
    severity: Severity
    kind: str
    setting: str
    message: str
    remedy: str


_STRICT: Final[Mapping[Profile, Severity]] = {Profile.PRODUCTION: "refuse", Profile.STAGING: "refuse"}

RULES: Final = (
    GuardRule(
        id="production-ready",
        sentence="{scheme}: is for development and single devices",
        remedy="set {setting} to a server, for example postgresql://…, or UNISON_STORAGE_PROFILE=development",
        broken=lambda served: not served.production_ready and served.durability is not Durability.PROCESS,
        severity=_STRICT,
    ),
    GuardRule(
        id="durable",
        sentence="{scheme}: loses what it holds, and this kind must be durable",
        remedy="set {setting} to a durable backend, or UNISON_STORAGE_PROFILE=test",
        broken=lambda served: served.durable_wanted and served.durability is not Durability.DURABLE,
        severity=_STRICT,
    ),
)


def tls_rule(id: str, sends_openly: Callable[[Target], bool], remedy: str) -> GuardRule:
    """Return the rule of a plugin that another machine is reached by TLS, with its certificate checked.

    ``sends_openly`` says of a target of whatever plugin whether others could read or change what goes to it.
    """
    return GuardRule(
        id=id,
        sentence="{scheme}: sends the password and all data to another machine, where others can read or change them",
        remedy=remedy,
        broken=lambda served: served.target is not None and not served.target.here and sends_openly(served.target),
        severity={Profile.PRODUCTION: "refuse", Profile.STAGING: "warn"},
    )


def findings(rules: Iterable[GuardRule], served: Iterable[Served], profile: Profile) -> Sequence[Finding]:
    """Return every broken rule that the profile does not pass over, in the order of what is served."""
    rules = tuple(rules)
    found = []
    for one in served:
        for rule in rules:
            severity = rule.severity.get(profile, "pass")
            if severity == "pass" or (rule.kinds and one.kind not in rule.kinds) or not rule.broken(one):
                continue
            words = {"scheme": one.scheme, "setting": one.setting, "kind": one.kind}
            message = f"{one.setting} ({one.kind}): {rule.sentence.format(**words)}"
            found.append(Finding(rule.id, severity, one.kind, one.setting, message, rule.remedy.format(**words)))
    return found


def enforce(found: Iterable[Finding], profile: Profile) -> None:
    """Raise ``GuardViolation`` for the first finding that the profile refuses."""
    for finding in found:
        if finding.severity == "refuse":
            raise GuardViolation(
                f"profile {profile} refuses this: {finding.message}; {finding.remedy}",
                kind=finding.kind,
                rule=finding.rule,
                remedy=finding.remedy,
            )
