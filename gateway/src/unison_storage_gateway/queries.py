"""The query of a request: a closed set of parameters for each route. What the values mean is the store's business."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final, Literal, TypeVar
from urllib.parse import parse_qsl

from unison_storage.errors import InvalidCursor, InvalidLifetime
from unison_storage.values import KEEP, MISSING, Keep, Missing
from unison_storage_gateway.problems import BadInput

Word = TypeVar("Word", bound=str)
GivenLifetime = float | None | Literal[Keep.KEEP, Missing.MISSING]

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
_SECONDS: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")


class Query:
    """The parameters of one request, each known, and given once unless it may be repeated."""

    __slots__ = ("_values",)

    def __init__(self, text: bytes, known: Collection[str], repeatable: Collection[str] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        if not text:
            return
        try:
            pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=32)
        except ValueError:
            raise BadInput("the query is not percent-encoded UTF-8", loc=("query",)) from None
        names = {*known, *repeatable}
        for name, value in pairs:
            if name not in names:
                takes = f"takes {', '.join(sorted(names))}" if names else "takes no parameters"
                raise BadInput(f"this request {takes}", loc=("query",))
            if name in self._values and name not in repeatable:
                raise BadInput("a parameter is given once", loc=("query", name))
            self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str | None:
        """Return a parameter as it stands, or ``None``."""
        given = self._values.get(name)
        return None if given is None else given[0]

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a parameter that may be repeated: all of its values, in order."""
        return tuple(self._values.get(name, ()))

    def names(self, name: str) -> list[str] | None:
        """Return a parameter that holds names with commas between them, or ``None``."""
        value = self.text(name)
        return None if value is None else value.split(",")

    def choice(self, name: str, known: Sequence[Word]) -> Word:
        """Return a parameter that is one of few words; the first of them where it is left out."""
        value = self.text(name)
        found = known[0] if value is None else next((word for word in known if word == value), None)
        if found is None:
            raise BadInput(f"{name} is one of {', '.join(known)}", loc=("query", name))
        return found

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a parameter that is ``true`` or ``false``."""
        value = self.text(name)
        if value is None:
            return default
        if value not in ("true", "false"):
            raise BadInput(f"{name} is true or false", loc=("query", name))
        return value == "true"

    def check_recursive(self) -> None:
        """Raise ``BadInput`` unless ``recursive=true`` says that everything below is meant."""
        if not self.flag("recursive", default=False):
            raise BadInput("deleting everything below takes ?recursive=true", loc=("query", "recursive"))

    def limit(self) -> int:
        """Return the size of a page."""
        value = self.text("limit")
        if value is None:
            return DEFAULT_LIMIT
        if not (value.isascii() and value.isdigit() and len(value) < 5 and 1 <= int(value) <= MAX_LIMIT):
            raise BadInput(f"limit is a number from 1 to {MAX_LIMIT}", loc=("query", "limit"))
        return int(value)

    def cursor(self) -> str | None:
        """Return where a listing goes on, or ``None`` for its start."""
        value = self.text("cursor")
        if value == "":
            raise InvalidCursor("the cursor is empty; leave it out to start from the beginning")
        return value

    def lifetime(self, name: str) -> GivenLifetime:
        """Return seconds, ``KEEP``, ``None`` for ever, or ``MISSING`` where the parameter is not there."""
        value = self.text(name)
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
