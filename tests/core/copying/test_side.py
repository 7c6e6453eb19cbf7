"""How the sides of a copy are named, and what is refused before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from unison_storage.copying import side
from unison_storage.errors import InvalidConfig, UnknownScheme
from unison_storage.profiles import Profile


def test_a_url_is_a_database_and_a_file_is_a_whole_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNISON_STORAGE_PROFILE", "staging")
    file = tmp_path / "to.toml"
    file.write_text(f'profile = "development"\nmemory_url = "sqlite:///{tmp_path}/a.db"\n')
    of_url = side.described(f"sqlite:///{tmp_path}/b.db", "TO", read=False)
    of_file = side.described(str(file), "TO", read=False)
    assert (of_url.profile, of_file.profile) == (Profile.STAGING, Profile.DEVELOPMENT)
    assert [place.kind for place in of_file.places()] == ["memory"]
    assert {"memory", "object", "object_index", "graph"} <= {place.kind for place in of_url.places()}


def test_settings_of_the_environment_do_not_reach_a_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNISON_STORAGE_DATABASE_URL", f"sqlite:///{tmp_path}/other.db")
    monkeypatch.setenv("UNISON_STORAGE_CONFIG", "/nowhere")
    file = tmp_path / "to.toml"
    file.write_text(f'memory_url = "sqlite:///{tmp_path}/a.db"\n')
    assert [place.setting for place in side.described(str(file), "TO", read=False).places()] == [
        "UNISON_STORAGE_MEMORY_URL"
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("postgresql://ann:canary@db/app", "FROM: a password in an argument is seen by everyone"),
        ("nowhere.toml", "FROM is neither a URL .* nor a file of settings: nowhere.toml"),
    ],
)
def test_what_is_no_side_is_refused(given: str, told: str) -> None:
    with pytest.raises(InvalidConfig, match=told) as failure:
        side.described(given, "FROM", read=True)
    assert "canary" not in str(failure.value)


def test_a_scheme_that_nobody_knows_is_told_with_its_side() -> None:
    made = side.described("nothing:///x", "FROM", read=True)
    with pytest.raises(UnknownScheme):
        made.places()


def test_one_storage_is_no_copy_of_itself(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    sides = [side.described(url, name, read=True) for name in ("FROM", "TO")]
    with pytest.raises(InvalidConfig, match="in the same place"):
        side.check_apart(*sides)
