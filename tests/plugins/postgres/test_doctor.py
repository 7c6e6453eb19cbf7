"""What ``doctor`` says of five set-ups that are broken, which is what the page on PostgreSQL shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.postgres.surroundings import asked
from tests.services import pgbouncer, postgres
from unison_storage_postgres.migrations import revisions

PAGE = Path(__file__).parents[3] / "docs" / "postgres.md"

pytestmark = pytest.mark.once


class SetUp:
    """A server, a pooler before it, and folders for what a service needs beside them."""

    def __init__(self, folder: Path) -> None:
        self.server = postgres.Started(postgres.debian())
        self.folder = folder
        postgres.made(self.server, "app")
        postgres.made(self.server, "old")
        asked(self.server.url("postgres"), f"CREATE ROLE ann LOGIN PASSWORD '{self.server.password}'")
        asked(self.server.url("app"), "ALTER DATABASE app OWNER TO ann")
        self.pooler = pgbouncer.Started(self.server)
        self.pooler.start()
        for url in (self.owner, self.server.url("old")):
            assert self.told(url, words=("migrate",)) == (0, "")
        asked(self.server.url("old"), "UPDATE unison_storage_migrations SET version_num = %s", revisions()[-2])

    @property
    def owner(self) -> str:
        """The URL for who owns the tables."""
        return self.server.url("app").replace("//postgres:", "//ann:")

    def told(self, url: str, profile: str = "staging", words: tuple[str, ...] = ("doctor",)) -> tuple[int, str]:
        """Return the exit code, and of the tree the branches that failed, with what differs from run to run named."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("UNISON_")},  # noqa: TID251 - of the process that is started
            "UNISON_STORAGE_PROFILE": profile,
            "UNISON_STORAGE_DATABASE_URL": url,
            "UNISON_STORAGE_OBJECT_URL": f"file://{self.folder}",
            "COLUMNS": "120",
        }
        command = [sys.executable, "-m", "unison_storage.cli", *words]
        made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert self.server.password not in made.stdout + made.stderr
        branches = re.findall(r"^[├└]── .*\n(?:[│ ] .*\n)*", made.stdout, re.MULTILINE)
        shown = "".join(one for one in branches if one[4] == "✗")
        shown = re.sub(r"answered in \d+\.\d+ ms", "answered in 0.5 ms", shown)
        return made.returncode, re.sub(r"127\.0\.0\.1:\d+", "db:5432", shown)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    found = SetUp(tmp_path_factory.mktemp("blobs"))
    yield found
    found.pooler.remove()


def wrong_password(made: SetUp) -> tuple[int, str]:
    return made.told(made.server.url("app").replace(made.server.password, "another"))


def no_tls(made: SetUp) -> tuple[int, str]:
    return made.told(made.server.url("app") + "?sslmode=verify-full")


def owner(made: SetUp) -> tuple[int, str]:
    return made.told(made.owner, "production")


def behind(made: SetUp) -> tuple[int, str]:
    return made.told(made.server.url("old"))


def pooled(made: SetUp) -> tuple[int, str]:
    return made.told(made.pooler.url("app"))


@pytest.mark.parametrize("broken", [wrong_password, no_tls, owner, behind, pooled])
def test_the_page_shows_what_doctor_says(made: SetUp, broken: object) -> None:
    assert callable(broken)
    code, shown = broken(made)
    assert code == 1
    assert shown, "nothing failed"
    assert f"```\n{shown}```" in PAGE.read_text(encoding="utf-8"), shown


def test_a_set_up_that_is_in_order_is_told_so_directly_and_through_a_pooler(made: SetUp) -> None:
    for url in (made.server.url("app"), f"{made.pooler.url('app')}?pooler=transaction"):
        assert made.told(url) == (0, "")
