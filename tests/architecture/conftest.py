from __future__ import annotations

from typing import TYPE_CHECKING

from tests.architecture import source, test_sizes

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the modules that will have to be divided soon; a warning would fail the run."""
    growing = [path for path in source.modules() if source.line_count(path) > test_sizes.MODULE_WARNS]
    if growing:
        terminalreporter.section(f"modules over {test_sizes.MODULE_WARNS} lines")
        for path in growing:
            terminalreporter.line(f"{source.name(path)}: {source.line_count(path)}")
