"""The page on the graph shows the model that holds: every name of it, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from unison_storage.graph_model import Grammar
from unison_storage.unison_model import UNISON_MODEL

PAGE = (Path(__file__).parents[2] / "docs" / "graph.md").read_text()


def test_the_picture_has_every_label_and_type_and_no_other() -> None:
    (picture,) = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
    arrows = re.findall(r"^ +(\w+) -- (\w+) --> (\w+)$", picture, re.MULTILINE)
    assert len(arrows) == picture.count("-->")
    assert {label for source, _, target in arrows for label in (source, target)} == set(UNISON_MODEL.labels)
    assert {type_ for _, type_, _ in arrows} == set(UNISON_MODEL.relationships)
    for source, type_, target in arrows:
        UNISON_MODEL.ends(type_, source, target)


def test_the_table_has_every_property_under_its_grammar() -> None:
    table = PAGE.partition("| properties | grammar |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.*) \| (\w+) \|$", table, re.MULTILINE)
    shown = {name: Grammar(grammar) for names, grammar in rows for name in re.findall(r"`(\w+)`", names)}
    assert shown == {one.name: one.grammar for one in UNISON_MODEL.properties.values()}


def test_every_grammar_is_told() -> None:
    table = PAGE.partition("| grammar | is | class |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(Grammar)
