"""The command ``unison-storage``. This module starts it, and imports nothing that a plain installation lacks."""

from __future__ import annotations

import sys

_LACKING = "unison-storage: the command line needs typer and rich: pip install 'unison-storage[cli]'"


def main() -> None:
    """Run the command and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 141 nobody reads the output."""
    try:
        _run()
    except KeyboardInterrupt:  # while modules are still loading; later typer sees to it
        raise SystemExit(130) from None


def _run() -> None:
    try:
        import rich
        import typer
    except ModuleNotFoundError as error:
        if error.name not in ("rich", "typer"):
            raise
        print(_LACKING, file=sys.stderr)
        raise SystemExit(1) from None
    del rich, typer
    from unison_storage.cli.app import app
    from unison_storage.cli.output import make_safe

    make_safe()
    app(prog_name="unison-storage")
