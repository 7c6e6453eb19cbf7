"""What a graph may hold: declarations that hold together, values that fit, and messages that quote none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from string import ascii_letters, digits
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unison_storage.classification import DataClass
from unison_storage.errors import ClassificationViolation, InvalidConfig, InvalidKey, InvalidValue, TooLarge
from unison_storage.graph_model import (
    MAX_ITEMS,
    Grammar,
    GraphModel,
    GraphProperty,
    Relationship,
)
from unison_storage.values import MISSING

CANARY = "c4n4ry"
LATEST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()) + 1
REFUSED = (InvalidValue, ClassificationViolation, TooLarge, InvalidKey)

MODEL = GraphModel(
    ["Person", "Thing"],
    [Relationship("LINKS"), Relationship("OWNS", sources=("Person",), targets=("Thing",))],
    [
        *(GraphProperty(f"one_{grammar}", grammar) for grammar in Grammar),
        *(GraphProperty(f"{grammar}s", grammar, many=True) for grammar in Grammar),
        GraphProperty("state", Grammar.TAG, tags=("on", "off")),
    ],
)


class Text(str):
    __slots__ = ()


class Whole(int):
    pass


class Part(float):
    pass


class Items(list[Any]):
    pass


class Word(StrEnum):
    ON = "on"


class Number(IntEnum):
    ONE = 1


def told(error: BaseException) -> str:
    """Return everything that an error and all that stands behind it would tell."""
    chain = [one for one in (error.__cause__, error.__context__) if one is not None]
    return " ".join([str(error), repr(error.args), repr(vars(error)), *map(told, chain)])


def numbered(values: list[Any]) -> list[Any]:
    return [pytest.param(value, id=f"{number}-{type(value).__name__}") for number, value in enumerate(values)]


# ------------------------------------------------------------------------------------------------------- declarations


def declarations(name: Any) -> Iterator[Callable[[], GraphModel]]:
    yield lambda: GraphModel([name], [])
    yield lambda: GraphModel([], [Relationship(name)])
    yield lambda: GraphModel([], [], [GraphProperty(name, Grammar.ID)])


HOSTILE_NAMES: list[Any] = [
    *("", " ", "`", "a`b", "\\u0060a", "a\\u0060", "_a", "1a", "a b", "a-b", "a.b", "a:b", "a\n", "a\x00", "\ud800"),
    *("A) DETACH DELETE n //", "A`) RETURN 1 //", "a'; DROP TABLE nodes; --", "a/*", "$a", "{a}", "%s", "*"),
    *(
        "\u00e9",
        "a\u0301",
        "\uff21",
        "\u212a",
        "A" * 65,
        "A" * 10_000_000,
        None,
        5,
        True,
        b"A",
        ("A",),
        Text("A"),
        Word.ON,
    ),
]
PLAIN_NAMES = ["MATCH", "SELECT", "RETURN", "NULL", "DELETE", "TABLE", "null", "a", "A", "A1", "a_", "A" * 64, "u0060"]


@given(name=st.text(max_size=70) | st.text(alphabet=ascii_letters + digits + "_`\\-", min_size=1, max_size=66))
@settings(deadline=None, max_examples=300)
def test_a_name_is_a_letter_and_then_letters_digits_and_underscores(name: str) -> None:
    rest = set(ascii_letters + digits + "_")
    fits = 0 < len(name) <= 64 and name[0] in ascii_letters and set(name) <= rest
    for declare in declarations(name):
        if fits and name not in {"id", "key", "person", "space"}:
            declare()
        elif not fits:
            with pytest.raises(InvalidConfig):
                declare()


@pytest.mark.parametrize("name", numbered(HOSTILE_NAMES))
def test_a_hostile_name_is_refused_wherever_it_is_declared(name: Any) -> None:
    for declare in declarations(name):
        with pytest.raises(InvalidConfig):
            declare()


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_words_of_query_languages_are_names_like_any_other(name: str) -> None:
    model = GraphModel([name], [Relationship(name, (name,), (name,))], [GraphProperty(name, Grammar.ID)])
    assert (model.label(name), model.type(name)) == (name, name)
    assert model.changes({name: "x"}) == {name: "x"}
    model.ends(name, name, name)


@pytest.mark.parametrize("name", ["id", "key", "person", "space"])
def test_what_every_node_or_edge_has_is_no_property_and_may_be_a_label(name: str) -> None:
    with pytest.raises(InvalidConfig, match=name):
        GraphModel([], [], [GraphProperty(name, Grammar.ID)])
    GraphModel([name], [Relationship(name)])
    GraphModel([], [], [GraphProperty(name.upper(), Grammar.ID), GraphProperty(f"{name}s", Grammar.ID)])


@pytest.mark.parametrize(
    "declare",
    [
        lambda: GraphModel(["Aa", "B", "Aa"], []),
        lambda: GraphModel(["B"], [Relationship("Aa"), Relationship("Aa", ("B",))]),
        lambda: GraphModel(["B"], [], [GraphProperty("Aa", Grammar.ID), GraphProperty("Aa", Grammar.TIME)]),
    ],
    ids=["label", "type", "property"],
)
def test_nothing_is_declared_twice(declare: Callable[[], GraphModel]) -> None:
    with pytest.raises(InvalidConfig, match="Aa is declared twice"):
        declare()
    GraphModel(["Aa", "aa"], [Relationship("Aa"), Relationship("AA")], [GraphProperty("Aa", Grammar.ID)])


@pytest.mark.parametrize("ends", [{"sources": ("A", "Nosuch")}, {"targets": ("Nosuch",)}, {"sources": ("a",)}])
def test_the_ends_of_a_relationship_are_labels_of_the_model(ends: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig, match=r"joins labels that the model lacks: (Nosuch|a)$"):
        GraphModel(["A"], [Relationship("JOINS", **ends)])


def test_edges_lead_where_their_type_says_and_anywhere_where_it_says_nothing() -> None:
    MODEL.ends("OWNS", "Person", "Thing")
    for source in MODEL.labels:
        for target in MODEL.labels:
            MODEL.ends("LINKS", source, target)
            if (source, target) != ("Person", "Thing"):
                with pytest.raises(InvalidValue, match="OWNS leads"):
                    MODEL.ends("OWNS", source, target)


@pytest.mark.parametrize("data_class", list(DataClass))
@pytest.mark.parametrize("grammar", list(Grammar))
def test_a_property_of_a_class_that_no_graph_accepts_is_refused_where_it_is_declared(
    grammar: Grammar, data_class: DataClass
) -> None:
    one = GraphProperty("note", grammar, data_class=data_class)
    if data_class in {DataClass.BEHAVIOURAL, DataClass.IDENTIFIER}:
        assert GraphModel([], [], [one]).properties["note"].declared is data_class
        return
    with pytest.raises(ClassificationViolation, match="note") as raised:
        GraphModel([], [], [one])
    error = raised.value
    assert (error.kind, error.data_class, error.target) == ("graph", data_class, "graph")
    assert "note" in error.field


def test_ids_are_identifiers_and_the_rest_is_what_somebody_did() -> None:
    for grammar in Grammar:
        wanted = DataClass.IDENTIFIER if grammar is Grammar.ID else DataClass.BEHAVIOURAL
        assert GraphProperty("x", grammar).declared is wanted


@pytest.mark.parametrize("tags", [("On",), ("",), ("a", "b c"), ("a" * 65,), ("a\n",)])
def test_the_words_of_a_tag_are_tags(tags: tuple[str, ...]) -> None:
    with pytest.raises(InvalidConfig, match="state"):
        GraphModel([], [], [GraphProperty("state", Grammar.TAG, tags=tags)])
    for grammar in set(Grammar) - {Grammar.TAG}:
        with pytest.raises(InvalidConfig, match="state"):
            GraphModel([], [], [GraphProperty("state", grammar, tags=("on",))])


ODD: Any = GraphModel
STRANGE_DECLARATIONS: dict[str, Callable[[], Any]] = {
    "an end that is no name": lambda: ODD(["A"], [Relationship("JOINS", sources=(5,))]),  # type: ignore[arg-type]
    "a type that is a list": lambda: ODD(["A"], [Relationship(["R"])]),  # type: ignore[arg-type]
    "a property named by a list": lambda: ODD([], [], [GraphProperty(["x"], Grammar.ID)]),  # type: ignore[arg-type]
    "a grammar that there is none of": lambda: ODD([], [], [GraphProperty("x", "text")]),  # type: ignore[arg-type]
    "a word that is no text": lambda: ODD([], [], [GraphProperty("x", Grammar.TAG, tags=(5,))]),  # type: ignore[arg-type]
    "words in one text": lambda: ODD([], [], [GraphProperty("x", Grammar.TAG, tags="onoff")]),  # type: ignore[arg-type]
    "labels in one text": lambda: ODD("Person", []),
}


@pytest.mark.parametrize("name", STRANGE_DECLARATIONS)
def test_a_declaration_that_is_none_is_refused_as_such(name: str) -> None:
    with pytest.raises(InvalidConfig):
        STRANGE_DECLARATIONS[name]()


# ------------------------------------------------------------------------------------------------------------- values

ID_FITS = ["a", "0", "A" * 128, "a_.:/-", "https://x/y", "0049170", "p-1:2", "a" + "." * 127]
TAG_FITS = ["a", "0", "a" * 64, "a_.:-", "on-line"]
TIME_FITS = [0, 0.0, 1, 1767225600, 1767225600.25, LATEST, float(LATEST), 5e-324]
SCORE_FITS = [0, 1, 0.0, 1.0, 0.5, 5e-324, 0.9999999999999999]
FITS: dict[Grammar, list[Any]] = {
    Grammar.ID: ID_FITS,
    Grammar.TAG: TAG_FITS,
    Grammar.TIME: TIME_FITS,
    Grammar.SCORE: SCORE_FITS,
}
TEXTS = [
    *(
        "",
        " ",
        "a b",
        f"{CANARY}@example.org",
        f"+49 170 {CANARY}",
        "+49170",
        "(030) 123",
        "-a",
        ".a",
        "_a",
        "/a",
        ":a",
    ),
    *(
        "a\n",
        "\na",
        "a\x00",
        "a`",
        "a'b",
        "a@b",
        "a#",
        "a?b=c",
        "a%20",
        "\u00e9",
        "a\u0301",
        "\u212a",
        "\ud800",
        CANARY * 10_000,
    ),
    f"Dear {CANARY}, I write to you",
]
NO_ID: list[Any] = [*TEXTS, "A" * 129, 5, 0, 1.5, True]
NO_TAG: list[Any] = [*TEXTS, "A", "On", "a/b", "a" * 65, 5, 0.5, False]
NO_TIME: list[Any] = [
    -1,
    -0.5,
    -5e-324,
    LATEST + 1,
    LATEST + 0.5,
    10**400,
    -(10**400),
    1e300,
    True,
    False,
    "1767225600",
    CANARY,
]
NO_SCORE: list[Any] = [-1, -5e-324, 1.0000000000000002, 2, 100, 10**400, True, False, "0.5", "", CANARY]
UNFIT: list[tuple[Grammar, Any]] = [
    *((Grammar.ID, value) for value in NO_ID),
    *((Grammar.TAG, value) for value in NO_TAG),
    *((Grammar.TIME, value) for value in NO_TIME),
    *((Grammar.SCORE, value) for value in NO_SCORE),
]
SHAPES: list[Any] = [
    *({"a": CANARY}, {}, {CANARY}, (CANARY,), b"c4n4ry", bytearray(b"c4n4ry"), object(), 1j, Decimal(1)),
    *(datetime(2026, 1, 1, tzinfo=UTC), MISSING, Text("on"), Whole(1), Part(0.5), Word.ON, Number.ONE),
    *(math.nan, math.inf, -math.inf),
]


def fits(grammar: Grammar, value: Any) -> bool:
    """Return whether a value is what the grammar says, read off its words."""
    if grammar in {Grammar.TIME, Grammar.SCORE}:
        return type(value) in {int, float} and 0 <= value <= (1 if grammar is Grammar.SCORE else LATEST)
    if type(value) is not str or not value:
        return False
    letters = ascii_letters if grammar is Grammar.ID else ascii_letters[:26]
    more, most = ("_.:/-", 128) if grammar is Grammar.ID else ("_.:-", 64)
    return len(value) <= most and value[0] in letters + digits and set(value) <= set(letters + digits + more)


scalars = st.one_of(
    st.text(max_size=5),
    st.text(alphabet="aZ09_.:/-@+ \n", max_size=8),
    st.integers(-1, 2) | st.integers() | st.integers(LATEST - 2, LATEST + 2),
    st.floats() | st.floats(-0.1, 1.1),
    st.booleans(),
)


@given(grammar=st.sampled_from(list(Grammar)), value=scalars | st.sampled_from(NO_ID + NO_TAG + NO_TIME + NO_SCORE))
@settings(deadline=None, max_examples=500)
def test_a_value_is_taken_as_it_is_or_not_at_all(grammar: Grammar, value: Any) -> None:
    given_list = [value, value]
    if fits(grammar, value):
        taken = MODEL.changes({f"one_{grammar}": value, f"{grammar}s": given_list})
        assert repr(taken) == repr({f"one_{grammar}": value, f"{grammar}s": given_list})
        assert MODEL.where({f"one_{grammar}": value}) == {f"one_{grammar}": value}
        return
    for refused in ({f"one_{grammar}": value}, {f"{grammar}s": given_list}):
        with pytest.raises((InvalidValue, ClassificationViolation)):
            MODEL.changes(refused)
    with pytest.raises((InvalidValue, ClassificationViolation)):
        MODEL.where({f"one_{grammar}": value})


@pytest.mark.parametrize("grammar", list(Grammar))
def test_the_edges_of_a_range_belong_to_it(grammar: Grammar) -> None:
    for value in FITS[grammar]:
        (taken,) = MODEL.changes({f"one_{grammar}": value}).values()
        assert (type(taken), taken) == (type(value), value)


@pytest.mark.parametrize(("grammar", "value"), [pytest.param(*one, id=f"{n}-{one[0]}") for n, one in enumerate(UNFIT)])
def test_what_is_no_such_value_is_a_violation_that_names_field_and_class_and_quotes_nothing(
    grammar: Grammar, value: Any
) -> None:
    for name, given_value in ((f"one_{grammar}", value), (f"{grammar}s", [value])):
        with pytest.raises(ClassificationViolation) as raised:
            MODEL.changes({name: given_value})
        error = raised.value
        assert (error.kind, error.field, error.target) == ("graph", name, "graph")
        assert error.data_class is MODEL.properties[name].declared
        assert CANARY not in told(error)
        assert len(told(error)) < 1_000


@pytest.mark.parametrize("value", numbered(SHAPES))
def test_what_is_no_plain_scalar_is_refused_everywhere(value: Any) -> None:
    for grammar in Grammar:
        for properties in ({f"one_{grammar}": value}, {f"{grammar}s": [value]}, {f"{grammar}s": value}):
            with pytest.raises(InvalidValue) as raised:
                MODEL.changes(properties)
            assert CANARY not in told(raised.value)
        with pytest.raises(InvalidValue):
            MODEL.where({f"one_{grammar}": value})
    with pytest.raises(InvalidValue):
        MODEL.changes({"state": value})


@pytest.mark.parametrize(
    "items", numbered([[[]], [["on"]], [{}], [None], ["on", None], ("on",), {"on"}, Items(["on"]), "on"])
)
def test_a_list_is_flat_and_a_list(items: Any) -> None:
    with pytest.raises(InvalidValue):
        MODEL.changes({"tags": items})
    with pytest.raises(InvalidValue):
        MODEL.changes({"one_tag": ["on"]})


@pytest.mark.parametrize("items", [[1, 1.0], [0.0, 1], [1, 1, 1, 0.5]])
def test_a_list_is_of_one_type(items: list[Any]) -> None:
    for name in ("times", "scores"):
        with pytest.raises(InvalidValue, match="mixes types"):
            MODEL.changes({name: items})
        assert MODEL.changes({name: [float(item) for item in items]})
    with pytest.raises(ClassificationViolation):
        MODEL.changes({"times": [1, "a"]})


def test_a_list_may_be_empty_and_has_a_thousand_items_at_most() -> None:
    assert MODEL.changes({"ids": []}) == {"ids": []}
    assert len(MODEL.changes({"ids": ["a"] * 1_000})["ids"]) == MAX_ITEMS == 1_000
    with pytest.raises(TooLarge) as raised:
        MODEL.changes({"ids": [CANARY] * 1_001})
    assert raised.value.limit == 1_000
    assert CANARY not in told(raised.value)


def test_what_is_taken_shares_nothing_with_what_was_given() -> None:
    items = ["a"]
    given_properties = {"tags": items, "one_tag": "a"}
    taken = MODEL.changes(given_properties)
    items.append("b")
    given_properties["one_tag"] = "b"
    assert taken == {"tags": ["a"], "one_tag": "a"}
    assert type(MODEL.changes(MappingProxyType({"one_tag": "a"}))) is dict


def test_a_closed_tag_is_one_of_its_words() -> None:
    assert MODEL.changes({"state": "on"}) == {"state": "on"}
    for value in ("o", "n", "onoff", "ON", CANARY, "maybe", 5, True, ""):
        with pytest.raises(ClassificationViolation, match="one of on, off") as raised:
            MODEL.changes({"state": value})
        assert CANARY not in told(raised.value)


def test_none_removes_a_property_and_is_nothing_to_search_for() -> None:
    everything = dict.fromkeys(MODEL.properties)
    assert MODEL.changes(everything) == everything
    for name in MODEL.properties:
        with pytest.raises(InvalidValue):
            MODEL.where({name: None})
    for name in ("ids", "tags", "times", "scores"):
        for value in ([], ["a"], "a", 1):
            with pytest.raises(InvalidValue):
                MODEL.where({name: value})


@pytest.mark.parametrize(
    "given_properties", numbered([None, 5, "a", [("one_tag", "a")], {"one_tag"}, [], b"", Text("one_tag")])
)
def test_properties_are_a_dict(given_properties: Any) -> None:
    for check in (MODEL.changes, MODEL.where):
        with pytest.raises(InvalidValue):
            check(given_properties)


@pytest.mark.parametrize(
    "name", numbered([CANARY + " ", f"`{CANARY}`", CANARY * 20, f"{CANARY}@x.org", 5, None, (CANARY,), b"id"])
)
def test_a_name_that_is_none_is_refused_and_not_repeated(name: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: MODEL.label(name),
        lambda: MODEL.type(name),
        lambda: MODEL.changes({name: "a"}),
        lambda: MODEL.where({name: "a"}),
    ]
    for call in calls:
        with pytest.raises(InvalidValue) as raised:
            call()
        assert CANARY not in told(raised.value)
        assert len(str(raised.value)) < 500


def test_ten_megabytes_are_refused_in_a_short_message() -> None:
    text = "a" * 10_000_000
    calls: list[Callable[[], Any]] = [
        lambda: MODEL.label(text),
        lambda: MODEL.type(text),
        lambda: MODEL.changes({text: 1}),
        *(lambda name=name: MODEL.changes({name: text}) for name in ("one_id", "one_tag", "one_time", "state")),
        lambda: MODEL.changes({"tags": [text]}),
        lambda: MODEL.changes({"tags": text}),
        lambda: MODEL.where({"one_id": text}),
    ]
    for call in calls:
        with pytest.raises((InvalidValue, ClassificationViolation)) as raised:
            call()
        assert len(told(raised.value)) < 1_000


def test_an_unknown_name_is_told_with_near_ones() -> None:
    with pytest.raises(InvalidValue, match="no label Persn; near names: Person; it has Person, Thing"):
        MODEL.label("Persn")
    with pytest.raises(InvalidValue, match="no relationship type links"):
        MODEL.type("links")
    with pytest.raises(InvalidValue, match="no property Tags; near names: tags"):
        MODEL.changes({"Tags": ["a"]})
    with pytest.raises(InvalidValue, match="it has none"):
        GraphModel([], []).label("A")
    for name in (Text("Person"), "\u212aerson", "Person "):
        with pytest.raises(InvalidValue):
            MODEL.label(name)
