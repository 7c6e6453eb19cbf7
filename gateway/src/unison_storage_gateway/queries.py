"""The query of a request: a closed set of parameters for each route. What the values mean is the store's business."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, Literal
from urllib.parse import parse_qsl

from unison_storage.errors import InvalidCursor, InvalidLifetime
from unison_storage.values import KEEP, MISSING, Keep, Missing
from unison_storage_gateway.problems import BadInput

GivenLifetime = float | None | Literal[Keep.KEEP, Missing.MISSING]

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
_SECONDS: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")


class Query:
    """The parameters of one request, each known and given once."""

    __slots__ = ("_values",)

    def __init__(self, text: bytes, known: Collection[str]) -> None:
        self._values: dict[str, str] = {}
        if not text:
            return
        try:
            pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=32)
        except ValueError:
            raise BadInput("the query is not percent-encoded UTF-8", loc=("query",)) from None
        for name, value in pairs:
            if name not in known:
                takes = f"takes {', '.join(sorted(known))}" if known else "takes no parameters"
                raise BadInput(f"this request {takes}", loc=("query",))
            if name in self._values:
                raise BadInput("a parameter is given once", loc=("query", name))
            self._values[name] = value

    def text(self, name: str) -> str | None:
        """Return a parameter as it stands, or ``None``."""
        return self._values.get(name)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a parameter that is ``true`` or ``false``."""
        value = self._values.get(name)
        if value is None:
            return default
        if value not in ("true", "false"):
            raise BadInput(f"{name} is true or false", loc=("query", name))
        return value == "true"

    def limit(self) -> int:
        """Return the size of a page."""
        value = self._values.get("limit")
        if value is None:
            return DEFAULT_LIMIT
        if not (value.isascii() and value.isdigit() and len(value) < 5 and 1 <= int(value) <= MAX_LIMIT):
            raise BadInput(f"limit is a number from 1 to {MAX_LIMIT}", loc=("query", "limit"))
        return int(value)

    def cursor(self) -> str | None:
        """Return where a listing goes on, or ``None`` for its start."""
        value = self._values.get("cursor")
        if value == "":
            raise InvalidCursor("the cursor is empty; leave it out to start from the beginning")
        return value

    def lifetime(self, name: str) -> GivenLifetime:
        """Return seconds, ``KEEP``, ``None`` for ever, or ``MISSING`` where the parameter is not there."""
        value = self._values.get(name)
        return MISSING if value is None else lifetime(value)


def lifetime(value: str | float | None) -> float | Literal[Keep.KEEP] | None:
    """Return a lifetime as given over HTTP; ``InvalidLifetime`` unless seconds, ``keep`` or ``none``."""
    if value is None or value == "none":
        return None
    if value == "keep":
        return KEEP
    if isinstance(value, str):
        if _SECONDS.fullmatch(value) is None:
            raise InvalidLifetime("a lifetime is a number of seconds, keep or none")
        return float(value) if "." in value else int(value)
    return value
