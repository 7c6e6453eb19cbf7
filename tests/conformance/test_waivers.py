from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from unison_storage.errors import InvalidConfig
from unison_storage_conformance.verdicts import Level, State, Verdict
from unison_storage_conformance.waivers import Waiver, read_waivers, waived

TODAY = date(2026, 11, 26)
LINK = "https://example.org/1"


def verdict(law: str, state: State, *, check: str = "check", kind: str = "memory") -> Verdict:
    return Verdict(law, check, kind, Level.LAWS, state, 0.0, reason="broken")


def test_a_known_failure_is_waived_until_its_day() -> None:
    known = Waiver("memory.9", "engine", LINK, TODAY)
    [one, other], faults = waived(
        [verdict("memory.9", State.FAILED), verdict("memory.8", State.FAILED)], [known], TODAY
    )
    assert (one.state, other.state, faults) == (State.WAIVED, State.FAILED, [])
    assert one.reason == f"engine, until 2026-11-26: {LINK}"


def test_a_waiver_that_has_expired_excuses_nothing() -> None:
    known = Waiver("memory.9", "bug", LINK, date(2026, 11, 25))
    [one], faults = waived([verdict("memory.9", State.FAILED)], [known], TODAY)
    assert one.state is State.FAILED
    assert faults == [f"the waiver of memory.9 has expired on 2026-11-25: {LINK}"]


@pytest.mark.parametrize("state", [State.PASSED, State.UNVERIFIED, State.REFUSED])
def test_a_waiver_that_is_not_needed_is_a_fault(state: State) -> None:
    known = Waiver("memory.9", "bug", LINK, TODAY)
    [one], faults = waived([verdict("memory.9", state)], [known], TODAY)
    assert one.state is state
    assert faults == ["the waiver of memory.9 is not needed: the law holds, or was not tried; remove it"]


def test_a_waiver_may_speak_of_one_check_or_one_kind() -> None:
    failed = [
        verdict("backend.4", State.FAILED, check="a"),
        verdict("backend.4", State.FAILED, check="b", kind="cache"),
    ]
    for known, states in (
        (Waiver("backend.4", "bug", LINK, TODAY, check="a"), [State.WAIVED, State.FAILED]),
        (Waiver("backend.4", "bug", LINK, TODAY, kind="cache"), [State.FAILED, State.WAIVED]),
    ):
        assert [one.state for one in waived(failed, [known], TODAY)[0]] == states


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "conformance.toml"
    path.write_text(f'[[waiver]]\nlaw = "memory.9"\nreason = "engine"\nlink = "{LINK}"\nexpires = 2027-01-31\n')
    assert read_waivers(path) == [Waiver("memory.9", "engine", LINK, date(2027, 1, 31))]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[waiver]]\nlaw = ", "Invalid value"),
        ('[[waiver]]\nlaw = "memory.9"\nreason = "bug"\nlink = "x"\n', "expires"),
        ('[[waiver]]\nlaw = "memory.9"\nreason = "mood"\nlink = "x"\nexpires = 2027-01-31\n', "'mood'"),
        ('[[waiver]]\nlaw = "memory.999"\nreason = "bug"\nlink = "x"\nexpires = 2027-01-31\n', "no law memory.999"),
        ('[[waivers]]\nlaw = "memory.9"\n', "waivers"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_name(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "conformance.toml"
    path.write_text(text)
    with pytest.raises(InvalidConfig) as failure:
        read_waivers(path)
    assert str(path) in failure.value.message
    assert told in failure.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="can't be read: FileNotFoundError"):
        read_waivers(tmp_path / "none.toml")
