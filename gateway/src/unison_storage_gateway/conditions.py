"""Conditional requests: entity tags, and what a request expects to find. Deciding about writes is the store's business.

Entity tags are versions in quotes, always strong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Protocol

from unison_storage.errors import NotFound, VersionConflict
from unison_storage.values import ABSENT, ANY, PRESENT, Expectation
from unison_storage_gateway import problems
from unison_storage_gateway.problems import BadInput, Refused


class Removable(Protocol):
    """A handle whose entries can be deleted."""

    async def delete(self, key: str, *, expect: Expectation = ANY) -> bool:
        """Remove what is at the key; return whether it was there."""


_TAG: Final = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')


def etag(version: str) -> str:
    """Return the entity tag of a version."""
    return f'"{version}"'


def expected(headers: Mapping[str, str]) -> Expectation:
    """Return what a write expects by ``If-Match`` and ``If-None-Match``; a weak tag matches no version."""
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if match is None and none_match is None:
        return ANY
    if match is not None and none_match is not None:
        raise BadInput("If-Match and If-None-Match exclude each other", loc=("header", "if-none-match"))
    if none_match is not None:
        if none_match.strip() != "*":
            raise BadInput("If-None-Match takes * with this method", loc=("header", "if-none-match"))
        return ABSENT
    assert match is not None  # noqa: S101 - one of the two is there
    if match.strip() == "*":
        return PRESENT
    tags = _tags(match, "if-match")
    if len(tags) != 1:
        raise BadInput("If-Match takes one entity tag with this method", loc=("header", "if-match"))
    weak, version = tags[0]
    return f"W/{version}" if weak else version


async def remove(handle: Removable, key: str, expect: Expectation) -> None:
    """Remove an entry or object; ``Refused`` with 412 if nothing was there and ``expect`` wants something."""
    try:
        # a delete that finds something is what PRESENT asks for, so its answer decides
        was_there = await handle.delete(key, expect=ANY if expect is PRESENT else expect)
    except NotFound as error:
        raise Refused(problems.of(error, 412)) from None
    if expect is PRESENT and not was_there:
        raise Refused(problems.of(NotFound("nothing is there, and something was expected"), 412))


def not_modified(headers: Mapping[str, str], version: str) -> bool:
    """Return whether ``If-None-Match`` of a read names the version; it compares weakly."""
    given = headers.get("if-none-match")
    if given is None:
        return False
    return given.strip() == "*" or any(tag == version for _, tag in _tags(given, "if-none-match"))


def check_match(headers: Mapping[str, str], version: str) -> None:
    """Raise ``VersionConflict`` if ``If-Match`` of a read names other versions."""
    given = headers.get("if-match")
    if given is None or given.strip() == "*":
        return
    if not any(tag == version and not weak for weak, tag in _tags(given, "if-match")):
        raise VersionConflict("another version is there than the expected one")


def range_holds(headers: Mapping[str, str], version: str) -> bool:
    """Return whether ``If-Range`` lets the range stand; a date never does, since versions are finer than dates."""
    given = headers.get("if-range")
    return given is None or given.strip() == etag(version)


def _tags(text: str, header: str) -> list[tuple[bool, str]]:
    """Return the tags of a list, each with whether it is weak."""
    found: list[tuple[bool, str]] = []
    at = 0
    while at < len(text):
        tag = _TAG.match(text, at)
        if tag is None:
            raise BadInput('an entity tag is a version in double quotes, as in "v"', loc=("header", header))
        found.append((tag[1] is not None, tag[2]))
        at = tag.end()
    return found
