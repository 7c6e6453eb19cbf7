"""The model that is in force: that of UnisonOS, or one that a setting names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.distributions import Packages
from tests.core.watched import Log, watched
from unison_storage.classification import ACCEPTED
from unison_storage.errors import InvalidConfig, StorageError
from unison_storage.graph_model import SETTING, Grammar, GraphModel, model_named
from unison_storage.storage import Storage
from unison_storage.testing import ManualClock, reference_storage
from unison_storage.unison_model import UNISON_MODEL

LABELS = [
    "Person",
    "Device",
    "Agent",
    "Service",
    "Skill",
    "Resource",
    "Workspace",
    "Session",
    "IntentInstance",
    "PolicyGroup",
]
TYPES = [
    "OWNS",
    "MEMBER_OF",
    "HAS_RESOURCE",
    "HANDLES",
    "PRODUCED",
    "ON_DEVICE",
    "FOR_PERSON",
    "ABOUT",
    "ALLOWED_BY",
    "REQUESTED_BY",
    "TRIGGERED",
]
IDS = ["person_id", "resource_id", "agent_id", "intent_id", "storage_id"]
CANARY = "c4n4ry"


def test_it_has_the_labels_and_relationships_of_the_services() -> None:
    assert sorted(UNISON_MODEL.labels) == sorted(LABELS)
    assert sorted(UNISON_MODEL.relationships) == sorted(TYPES)
    for type in TYPES:
        for source in LABELS:
            for target in LABELS:
                UNISON_MODEL.ends(type, source, target)


def test_its_properties_are_ids_times_tags_and_scores() -> None:
    by_grammar: dict[Grammar, set[str]] = {grammar: set() for grammar in Grammar}
    for name, one in UNISON_MODEL.properties.items():
        by_grammar[one.grammar].add(name)
        assert one.name == name
        assert one.declared in ACCEPTED["graph"]
    assert by_grammar[Grammar.ID] == set(IDS)
    assert {"created_at", "updated_at", "last_seen"} <= by_grammar[Grammar.TIME]
    assert {"type", "status", "tags"} <= by_grammar[Grammar.TAG]
    assert {"confidence", "score"} == by_grammar[Grammar.SCORE]


@given(
    words=st.lists(st.text(alphabet="abcdefghijklmnopqrstuvwxyz'.!", min_size=1), min_size=1, max_size=9),
    name=st.sampled_from(sorted(UNISON_MODEL.properties)),
)
@settings(deadline=None, max_examples=100)
def test_a_sentence_has_no_way_in(words: list[str], name: str) -> None:
    sentence = " ".join([*words, CANARY])
    with pytest.raises(StorageError) as raised:
        UNISON_MODEL.changes({name: [sentence] if UNISON_MODEL.properties[name].many else sentence})
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    "value", ["Jane Doe", "jane@example.org", "+4917012345", "1 Main Street", "sk live", "p\u00e4ss", "a\nb", "{}"]
)
def test_what_names_a_person_has_no_way_in(value: str) -> None:
    for name, one in UNISON_MODEL.properties.items():
        with pytest.raises(StorageError):
            UNISON_MODEL.changes({name: [value] if one.many else value})


# ------------------------------------------------------------------------------------------------- naming another one


def test_without_a_setting_the_graph_has_the_model_of_unisonos() -> None:
    assert Storage(profile="test").graph_model() is UNISON_MODEL
    own = GraphModel(["Own"], [])
    assert reference_storage(graph_model=own).graph_model() is own


def test_a_model_is_named_by_module_and_name(packages: Packages) -> None:
    packages.module(
        "own_model",
        """
        from unison_storage.graph_model import GraphModel
        OWN = GraphModel(["Own"], [])
        """,
    )
    found = model_named("own_model:OWN")
    assert found.labels == ("Own",)
    assert model_named("own_model:OWN") is found
    assert Storage(profile="test", graph_model="own_model:OWN").graph_model() is found
    assert model_named("unison_storage.unison_model:UNISON_MODEL") is UNISON_MODEL


BROKEN: dict[str, str] = {
    "raises": "raise RuntimeError('no such luck')",
    "misses a module": "import nosuch_module_at_all",
    "is no python": "def (:",
    "holds something else": "OWN = {'labels': ['Own']}",
    "holds a class": "from unison_storage.graph_model import GraphModel as OWN",
    "holds none of the name": "own = None",
    "has a lazy name that fails": "def __getattr__(name): raise ValueError(name)",
}


@pytest.mark.parametrize("why", BROKEN)
def test_a_module_that_has_no_model_is_a_setting_to_mend(why: str, packages: Packages) -> None:
    packages.module("broken_model", BROKEN[why])
    loads: list[Callable[[], GraphModel]] = [
        lambda: model_named("broken_model:OWN"),
        Storage(graph_model="broken_model:OWN").graph_model,
    ]
    for load in loads:
        with pytest.raises(InvalidConfig, match="broken_model:OWN") as raised:
            load()
        assert SETTING in str(raised.value)


def test_a_model_that_does_not_hold_together_tells_what_is_wrong_with_it(packages: Packages) -> None:
    packages.module(
        "twice_model",
        """
        from unison_storage.graph_model import GraphModel
        OWN = GraphModel(["Own", "Own"], [])
        """,
    )
    with pytest.raises(InvalidConfig, match="the label Own is declared twice"):
        model_named("twice_model:OWN")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ":",
        "own",
        "own:",
        ":OWN",
        "own.OWN",
        "nosuch_module_at_all:OWN",
        "a b:c",
        ".own:OWN",
        "os:path",
        "os:path:x",
        "\x00:x",
    ],
)
def test_a_name_of_another_form_is_a_setting_to_mend(name: str) -> None:
    with pytest.raises(InvalidConfig, match=SETTING):
        model_named(name)


async def opened(storage: Storage) -> Any:
    async with storage:
        return storage.graph.model


def test_a_storage_with_a_broken_model_opens_nothing() -> None:
    log = Log()
    storage = reference_storage()
    assert asyncio.run(opened(storage)) is UNISON_MODEL
    broken = Storage(**watched(ManualClock(), log), profile="test", graph_model="nosuch_module_at_all:OWN")
    with pytest.raises(InvalidConfig, match=SETTING):
        asyncio.run(opened(broken))
    assert log.happened == []


@pytest.mark.parametrize("given_model", [{"labels": []}, GraphModel], ids=["dict", "class"])
def test_what_is_no_model_is_refused_before_anything_is_opened(given_model: Any) -> None:
    with pytest.raises(InvalidConfig):
        Storage(profile="test", graph_model=given_model).graph_model()
