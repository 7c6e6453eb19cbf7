"""Arguments in JSON bodies: decoded strictly, refused without quoting what was sent. What they mean is the route's."""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from unison_storage.values import KEEP, MISSING, Missing
from unison_storage_gateway.calls import Call
from unison_storage_gateway.problems import BadInput, Loc
from unison_storage_gateway.queries import GivenLifetime, lifetime

T = TypeVar("T")

SMALL: Final = 64 * 1024
"""Bytes of a body that holds a few arguments."""
_WHERE: Final = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP: Final = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]+)\]")
_HARMLESS: Final = re.compile(r"(Expected `[a-z |]+`, got `[a-z]+`|Object missing required field `[a-z_]+`)")


async def arguments(call: Call, type_: type[T], limit: int = SMALL) -> T:
    """Return the body of a request as the type; an empty body has no arguments."""
    return decoded(await call.intake.whole(limit) or b"{}", type_)


def decoded(raw: bytes, type_: type[T]) -> T:
    """Return JSON as the type; ``BadInput`` names the place, and never the value that was found there."""
    try:
        return msgspec.json.decode(raw, type=type_)
    except msgspec.ValidationError as error:
        found = _WHERE.match(str(error))
        what, path = (found["what"], found["path"] or "") if found else ("", "")
        harmless = _HARMLESS.fullmatch(what)
        loc: Loc = ("body", *(int(number) if number else name for name, number in _STEP.findall(path)))
        raise BadInput(what.lower() if harmless else "what is there is not accepted", loc=loc) from None
    except (ValueError, RecursionError):
        raise BadInput("the body is no JSON", loc=("body",)) from None


def bounded(value: float | str | msgspec.UnsetType | None) -> float | Missing | None:
    """Return a lifetime that an argument gives, where ``keep`` has no meaning."""
    length: GivenLifetime = MISSING if value is msgspec.UNSET else lifetime(value)
    if length is KEEP:
        raise BadInput("keep has no meaning here; give seconds or none", loc=("body", "lifetime"))
    return length
