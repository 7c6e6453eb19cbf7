"""Draw who requires whom as an SVG that stands by itself: no scripts, and nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple
from xml.etree import ElementTree as ET

from layered_layout import Edge, Layout, Waypoint, layout

SVG = "http://www.w3.org/2000/svg"
WIDTH, MARGIN, HEAD = 1_200.0, 24.0, 96.0
PADDING, STEP, HEIGHT, GAP, LINE = 6.0, 11.0, 20.0, 8.0, 18.0
NARROWEST = 30.0
"""Between two columns: less, and curves can't be told apart."""

LETTERS = {**dict.fromkeys("-.fijlrt", 4.6), **dict.fromkeys("mw", 10.8)}
OTHERS = 7.4
BOLD = 1.1
"""How wide letters are in a font of 12 pixels, at most: what is drawn without a browser can't be measured."""

STYLE = """
svg { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
svg { fill: #1c2733; max-width: 100%; height: auto; }
.paper { fill: #fff; }
.heading { font-size: 18px; font-weight: 600; }
.note { fill: #4a5866; }
.package rect { fill: #f1f4f8; stroke: #8292a3; }
.package.breaks rect { fill: #ffe3cc; stroke: #c2560a; stroke-width: 1.5; }
.package.without rect { fill: #b3261e; stroke: #7d120c; stroke-width: 2; }
.package.without text { fill: #fff; font-weight: 600; }
.package.missing rect { stroke-dasharray: 4 3; }
.package.missing:not(.without) rect { fill: #fff; }
.package .step { font-size: 10px; fill: #a03f00; font-weight: 600; }
.edge { fill: none; stroke: #8c9bab; stroke-opacity: .75; }
.edge.breaks { stroke: #c2560a; stroke-opacity: 1; stroke-width: 1.4; }
.tip { fill: #8c9bab; }
.tip.breaks { fill: #c2560a; }
@page { margin: 10mm; }
@media print { svg { width: 100%; height: auto; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def picture(needs: Mapping[str, set[str]], missing: set[str], without: str, steps: Mapping[str, int]) -> str:
    """Return the SVG. ``steps`` are the packages that break without one, with their distance from it."""
    edges = sorted((name, other) for name, others in needs.items() for other in others)
    joined = {name for edge in edges if edge[0] != edge[1] for name in edge}
    found = layout(joined, edges, lambda item: HEIGHT + GAP if isinstance(item, str) else GAP)
    wide = {name: _length(name) + 2 * PADDING + (STEP if name in steps else 0) for name in {*needs, *missing}}
    wide[without] = _length(without) * BOLD + 2 * PADDING
    bounds, width = _bounds(found, wide)
    boxes = {
        item: Box(left, HEAD + found.middles[item], wide[item])
        for column, (left, _) in zip(found.columns, bounds, strict=True)
        for item in column
        if isinstance(item, str)
    }
    bottom = HEAD + max(found.middles.values(), default=0) + HEIGHT / 2
    alone, bottom = _rows({name: wide[name] for name in sorted(wide.keys() - joined)}, bottom + 2 * LINE, width)
    drawing = _Drawing({**boxes, **alone}, missing, without, steps)
    drawing.head(width, bottom + MARGIN)
    if alone:
        drawing.say("Joined to no other package:", MARGIN, min(box.middle for box in alone.values()) - LINE)
    for breaking in (False, True):  # what breaks lies on top
        for edge in edges:
            if drawing.is_breaking(edge) == breaking:
                drawing.edge(edge, _curve(edge, drawing.boxes, found, bounds))
    for name in sorted(drawing.boxes):
        drawing.package(name)
    return drawing.text()


def page(svg: str) -> str:
    """Return a page of HTML that holds a picture."""
    head = '<meta charset="utf-8"><title>Installed packages</title><style>body { margin: 0; }</style>'
    body = svg.partition("?>")[2].strip()
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{body}\n</body>\n</html>\n'


class Box(NamedTuple):
    """Where a package stands."""

    left: float
    middle: float
    width: float

    @property
    def right(self) -> float:
        return self.left + self.width


class _Drawing:
    """One picture being drawn."""

    def __init__(self, boxes: Mapping[str, Box], missing: set[str], without: str, steps: Mapping[str, int]) -> None:
        self.boxes = boxes
        self._missing = missing
        self._installed = len(boxes.keys() - missing)
        self._without = without
        self._steps = steps
        self._root = ET.Element("svg", {"xmlns": SVG, "role": "img", "aria-labelledby": "title description"})

    def head(self, width: float, height: float) -> None:
        """Write title, paper, arrowheads and legend."""
        size = {"width": f"{width:g}", "height": f"{height:g}"}
        self._root.attrib |= {**size, "viewBox": f"0 0 {width:g} {height:g}"}
        title = f"{len(self._steps)} of {self._installed} packages break without {self._without}"
        about = "An arrow leads from a package to one that it requires."
        self._add("title", {"id": "title"}, title)
        self._add("desc", {"id": "description"}, about)
        self._add("style", {}, STYLE)
        self._add("rect", {"class": "paper", **size})
        definitions = self._add("defs", {})
        for name in ("tip", "tip breaks"):
            look = {"viewBox": "0 0 8 8", "refX": "7.5", "refY": "4", "markerWidth": "7", "markerHeight": "7"}
            orient = {"orient": "auto", "markerUnits": "userSpaceOnUse"}
            tip = ET.SubElement(definitions, "marker", {"id": name.replace(" ", "-"), **look, **orient})
            ET.SubElement(tip, "path", {"class": name, "d": "M0,0.5 L8,4 L0,7.5 Z"})
        self.say(title, MARGIN, 34, "heading")
        self.say(about, MARGIN, 54)
        self._legend()

    def _legend(self) -> None:
        left = MARGIN
        for look, text in (
            ("without", "what is removed"),
            ("breaks", "breaks, so many steps away"),
            ("installed", "goes on working"),
            ("missing", "required, but not installed"),
        ):
            sample = self._add("g", {"class": f"package {look}"})
            box = {"x": f"{left:g}", "y": "67", "width": "26", "height": "14", "rx": "5"}
            ET.SubElement(sample, "rect", box)
            if look == "breaks":
                ET.SubElement(sample, "text", {"class": "step", "x": f"{left + 10:g}", "y": "78"}).text = "1"
            self.say(text, left + 33, 78)
            left += 33 + _length(text) + 26

    def say(self, text: str, left: float, base: float, look: str = "note") -> None:
        """Write a line of text."""
        self._add("text", {"class": look, "x": f"{left:g}", "y": f"{base:g}"}, text)

    def is_breaking(self, edge: Edge) -> bool:
        """Whether what an edge comes from breaks by way of it."""
        return edge[1] == self._without or edge[1] in self._steps

    def edge(self, edge: Edge, curve: str) -> None:
        """Draw an edge."""
        breaks = self.is_breaking(edge)
        tip = "url(#tip-breaks)" if breaks else "url(#tip)"
        self._add("path", {"class": "edge breaks" if breaks else "edge", "d": curve, "marker-end": tip})

    def package(self, name: str) -> None:
        """Draw a package."""
        looks = {"without": name == self._without, "breaks": name in self._steps, "missing": name in self._missing}
        group = self._add("g", {"class": " ".join(["package", *(look for look, has in looks.items() if has)])})
        box = self.boxes[name]
        top = box.middle - HEIGHT / 2
        size = {"width": f"{box.width:.1f}", "height": f"{HEIGHT:g}", "rx": "6"}
        ET.SubElement(group, "rect", {"x": f"{box.left:.1f}", "y": f"{top:.1f}", **size})
        base = f"{box.middle + 4:.1f}"
        ET.SubElement(group, "text", {"class": "name", "x": f"{box.left + PADDING:.1f}", "y": base}).text = name
        if name in self._steps:
            step = {"class": "step", "x": f"{box.right - 5:.1f}", "y": base, "text-anchor": "end"}
            ET.SubElement(group, "text", step).text = str(self._steps[name])

    def text(self) -> str:
        """Return the picture."""
        ET.indent(self._root)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(self._root, encoding="unicode")}\n'

    def _add(self, tag: str, attributes: dict[str, str], text: str | None = None) -> ET.Element:
        element = ET.SubElement(self._root, tag, attributes)
        element.text = text
        return element


def _length(text: str) -> float:
    return sum(LETTERS.get(letter, OTHERS) for letter in text)


def _bounds(found: Layout, wide: Mapping[str, float]) -> tuple[list[tuple[float, float]], float]:
    """Return left and right of each column, and the width of the whole."""
    widths = [max((wide[item] for item in column if isinstance(item, str)), default=0) for column in found.columns]
    between = max(NARROWEST, (WIDTH - 2 * MARGIN - sum(widths)) / max(1, len(widths) - 1))
    bounds: list[tuple[float, float]] = []
    left = MARGIN
    for width in widths:
        bounds.append((left, left + width))
        left += width + between
    return bounds, max(WIDTH, left - between + MARGIN)


def _rows(wide: Mapping[str, float], top: float, width: float) -> tuple[dict[str, Box], float]:
    """Return boxes in rows, and where the last row ends."""
    boxes: dict[str, Box] = {}
    left, middle = MARGIN, top + HEIGHT / 2
    for name, own in wide.items():
        if left + own > width - MARGIN:
            left, middle = MARGIN, middle + HEIGHT + GAP
        boxes[name] = Box(left, middle, own)
        left += own + GAP
    return boxes, middle + HEIGHT / 2 if wide else top - 2 * LINE


def _curve(edge: Edge, boxes: Mapping[str, Box], found: Layout, bounds: Sequence[tuple[float, float]]) -> str:
    """Return the way of an edge: level through columns, curved between them."""
    source, target = boxes[edge[0]], boxes[edge[1]]
    if edge[0] == edge[1]:
        right, middle = source.right, source.middle
        return f"M{right:.1f},{middle - 5:.1f} c30,-9 30,19 0,10"
    back = source.left > target.left
    column = {box.left: bound for bound in bounds for box in (source, target) if box.left == bound[0]}
    # what leads back ends beside where other edges begin, and begins beside where they end
    aside = HEIGHT / 4 if back else 0.0
    points = [(source.left if back else source.right, source.middle + aside)]
    if not back:
        points.append((column[source.left][1], source.middle))
    for item in found.routes[edge][1:-1]:
        if isinstance(item, Waypoint):
            ends = bounds[item.column][::-1] if back else bounds[item.column]
            points += [(end, HEAD + found.middles[item]) for end in ends]
    if back:
        points.append((column[target.left][1], target.middle + aside))
    points.append((target.right if back else target.left, target.middle + aside))
    way = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        half = (x + to_x) / 2
        way += (
            f" L{to_x:.1f},{to_y:.1f}"
            if y == to_y
            else f" C{half:.1f},{y:.1f} {half:.1f},{to_y:.1f} {to_x:.1f},{to_y:.1f}"
        )
    return way
