"""Laws that no mutant has proven, each with the reason. The list may only shrink."""

from __future__ import annotations

from typing import Final

_PLUGINS: Final = "a plugin is an installed distribution: test_plugin_laws.py installs one that breaks it"

UNPROVEN: Final[dict[str, str]] = {f"plugin.{number}": _PLUGINS for number in range(1, 8)}
