"""Read which distributions are installed in folders, and what each needs of the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from importlib.metadata import Distribution, PackageMetadata
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

CONDITIONS = ("plain", "environment", "extra")
"""Why a requirement counts, strongest first: by itself, by a marker that holds here, by an extra that is asked for."""

_METADATA = ("METADATA", "PKG-INFO")
_TEXTS = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|AUTHORS)", re.IGNORECASE)
_LONGEST = 200


class Summary(msgspec.Struct):
    """What is known of a distribution. ``needs`` are normalised names with why; ``texts`` files with their SHA-256."""

    name: str
    version: str
    summary: str | None
    license: str | None
    files: int
    requires: list[str]
    needs: dict[str, str]
    texts: dict[str, str]


class Package(msgspec.Struct):
    """A distribution as it lies in a folder: its summary, and the bytes of its metadata and licences by path."""

    summary: Summary
    contents: dict[str, bytes]


def read(folders: Iterable[Path]) -> dict[str, Package]:
    """Return the distributions by normalised name. Where two have one name the first is it, as for an import."""
    found: dict[str, Package] = {}
    for folder in folders:
        for place in sorted(folder.iterdir()) if folder.is_dir() else ():
            package = _package(place) if place.is_dir() and place.suffix in {".dist-info", ".egg-info"} else None
            if package is not None:
                found.setdefault(canonicalize_name(package.summary.name), package)
    parsed = {id: list(_parsed(package.summary.requires)) for id, package in found.items()}
    for id, package in found.items():
        package.summary.needs = _needs(id, parsed)
    return found


def unreadable(packages: Mapping[str, Package]) -> dict[str, list[str]]:
    """Return requirements that are none by today's rules, by package: old metadata has some."""
    found = {id: [text for text in one.summary.requires if _requirement(text) is None] for id, one in packages.items()}
    return {id: texts for id, texts in found.items() if texts}


def _package(place: Path) -> Package | None:
    # what pip could not remove whole is left as a folder without metadata
    if not any((place / name).is_file() for name in _METADATA):
        return None
    distribution = Distribution.at(place)
    about = distribution.metadata
    if "Name" not in about or "Version" not in about:
        return None
    contents = {path.relative_to(place).as_posix(): path.read_bytes() for path in _texts(place)}
    summary = Summary(
        name=about["Name"],
        version=about["Version"],
        summary=_line(about, "Summary"),
        license=_line(about, "License-Expression") or _line(about, "License"),
        files=len(distribution.files or ()),
        requires=sorted(distribution.requires or ()),
        needs={},
        texts={path: sha256(content).hexdigest() for path, content in contents.items()},
    )
    return Package(summary, contents)


def _texts(place: Path) -> Iterator[Path]:
    for path in sorted(place.rglob("*")):
        kept = path.relative_to(place).parts[0] == "licenses" or _TEXTS.match(path.name)
        if path.is_file() and (kept or path.name in _METADATA):
            yield path


def _line(about: PackageMetadata, field: str) -> str | None:
    """Return the first line: some put their whole licence into a field that is meant for its name."""
    text: str = (about.get_all(field) or [""])[0]
    return text.strip().partition("\n")[0][:_LONGEST] or None


def _parsed(texts: Iterable[str]) -> Iterator[Requirement]:
    return (one for one in map(_requirement, texts) if one is not None)


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _needs(id: str, parsed: Mapping[str, list[Requirement]]) -> dict[str, str]:
    """Return what a distribution needs here, with why.

    Its own extras count for nobody until somebody asks for them. Whoever asks for ``other[extra]`` needs what that
    extra of ``other`` needs: ``other`` itself would do without.
    """
    needs: dict[str, str] = {}
    asked = [(id, "")]
    for owner, extra in asked:  # grows while it is walked
        for requirement in parsed.get(owner, ()):
            condition = _condition(requirement, extra)
            if condition is None:
                continue
            name = canonicalize_name(requirement.name)
            needs[name] = min(condition, needs.get(name, condition), key=CONDITIONS.index)
            wanted = [(name, canonicalize_name(one)) for one in sorted(requirement.extras)]
            asked += [one for one in wanted if one not in asked]
    return dict(sorted(needs.items()))


def _condition(requirement: Requirement, extra: str) -> str | None:
    marker = requirement.marker
    if marker is None:
        return None if extra else "plain"
    if marker.evaluate({"extra": ""}):
        return None if extra else "environment"
    return "extra" if extra and marker.evaluate({"extra": extra}) else None
