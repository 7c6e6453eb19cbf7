"""Every Python example of the documentation runs, in an empty folder, as a reader would run it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).parents[2]
# what needs a server runs where there is one
ELSEWHERE = ("neo4j.md",)
PAGES = (
    "README.md",
    *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in ELSEWHERE),
)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run_in_their_order(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(ROOT)).parse(ROOT / page)
    for example in document.examples():
        example.evaluate()


def test_there_are_examples_to_run() -> None:
    found = {
        page
        for page in PAGES
        if list(Sybil(parsers=[PythonCodeBlockParser()], path=str(ROOT)).parse(ROOT / page).examples())
    }
    assert {"README.md", "docs/tutorial.md", "docs/embed.md"} <= found
