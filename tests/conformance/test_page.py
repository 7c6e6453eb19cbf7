from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from unison_storage_conformance.documents import FORMAT, Document, Tried
from unison_storage_conformance.page import page
from unison_storage_conformance.verdicts import Counterexample, Level, State, Verdict

HOSTILE = "<script>alert('x')</script>"


def call(client: int, called: int, answered: int | None) -> Any:
    return {"client": client, "call": "get", "given": "k", "answer": None, "called": called, "answered": answered}


def verdict(law: str, state: State, **more: Any) -> Verdict:
    contract = law.partition(".")[0]
    fields = {"contract": contract, "sentence": "It answers ``None`` & no more.", **more}
    return Verdict(law, "a_check", contract, Level.LAWS, state, 0.25, **fields)


def document(name: str, *verdicts: Verdict) -> Document:
    return Document(
        format=FORMAT,
        suite="0.1.0",
        target=Tried(f"{name}://", name, "1.0", "a server"),
        profile="quick",
        seed=0,
        at="2026-01-02T03:04:05Z",
        laws=list(verdicts),
    )


class Outline(HTMLParser):
    """What a page holds: its elements with their attributes, and its text without style."""

    VOID = frozenset(("meta", "br"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        assert self.open == [], "an element that is not closed"

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for one, attributes in self.found if one == tag]


def test_each_law_is_a_line_with_its_sentence_and_what_failed_is_open() -> None:
    example = Counterexample("memory.3", "wrong", "1", HOSTILE, steps=())
    shown = Outline(
        page(
            [
                document(
                    "one",
                    verdict("memory.10", State.PASSED),
                    verdict("memory.9", State.FAILED, reason=HOSTILE, counterexample=example),
                    verdict("backend.1", State.UNVERIFIED, reason="no server"),
                )
            ]
        )
    )
    assert [one["id"] for one in shown.all("details")] == ["backend.1", "memory.9", "memory.10"]
    assert ["open" in one for one in shown.all("details")] == [False, True, False]
    assert "It answers None & no more." in shown.text
    assert "2026-01-02 03:04:05 UTC" in shown.text
    assert "no server" in shown.text
    assert {"href": "#memory.9"} in shown.all("a")
    assert {"href": "#memory.3"} in shown.all("a")
    assert HOSTILE in shown.text
    assert shown.all("script") == []


def test_calls_at_once_are_drawn_as_bars() -> None:
    example = Counterexample("memory.19", "wrong", history=(call(1, 0, 2), call(2, 1, None), call(0, 3, 4)))
    failed = verdict("memory.19", State.FAILED, reason="wrong", counterexample=example)
    shown = Outline(page([document("one", failed)]))
    bars = [(one["class"], one["style"]) for one in shown.all("span") if str(one.get("class")).startswith("bar")]
    assert bars == [
        ("bar", "left:0.0%;width:40.0%"),
        ("bar open", "left:20.0%;width:80.0%"),
        ("bar", "left:60.0%;width:20.0%"),
    ]
    assert "no answer" in shown.text


def test_reports_stand_side_by_side_and_what_one_did_not_try_is_told() -> None:
    failed = verdict("memory.1", State.FAILED, reason="it lost it")
    shown = Outline(
        page(
            [
                document("one", verdict("memory.1", State.PASSED), verdict("cache.1", State.PASSED)),
                document("two", failed),
            ]
        )
    )
    marks = [one["title"] for one in shown.all("span") if "title" in one]
    assert marks == ["passed", "failed", "passed", "not tried"]
    assert "failed in two 1.0, a check: it lost it" in " ".join(shown.text.split())


def test_a_page_asks_for_nothing_from_elsewhere() -> None:
    text = page([document("one", verdict("memory.1", State.PASSED))])
    shown = Outline(text)
    assert [tag for tag, _ in shown.found if tag in ("link", "script", "img", "iframe")] == []
    assert "url(" not in text
    assert "http" not in text.replace("http-equiv", "")
