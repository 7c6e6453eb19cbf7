from __future__ import annotations

import pytest

from tests.tools.verify import HEAD, PAGE, Line, main, page, section


def test_a_section_is_replaced_and_others_stay() -> None:
    first = page("", "sqlite", "## sqlite\n\nold\n")
    both = page(first, "postgres", "## postgres\n\ntext\n")
    renewed = page(both, "sqlite", "## sqlite\n\nnew\n")
    assert renewed == f"{HEAD}\n## postgres\n\ntext\n\n## sqlite\n\nnew\n"


def test_what_is_wrong_stands_below_the_tables() -> None:
    text = section("sqlite", [Line("memory", "3 passed", 1.2, ["memory.1 broke"])], [Line("seed 1", "2", 3.0, [])])
    assert "| memory | 3 passed | 1 | 1 s |" in text
    assert text.endswith("- memory.1 broke\n")


def test_a_target_that_there_is_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["oracle"]) == 2
    assert "usage: python -m tests.tools.verify sqlite" in capsys.readouterr().err


def test_the_page_that_is_kept_has_nothing_wrong() -> None:
    text = PAGE.read_text("utf-8")
    assert "## sqlite" in text
    assert [line for line in text.splitlines() if line.startswith("- ")] == []
