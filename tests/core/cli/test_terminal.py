"""What a person at a terminal sees, is asked and is spared."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
from pathlib import Path

import pytest

from tests.core.cli.conftest import Invoke, document


def at_a_terminal(
    words: list[str], settings: dict[str, str], typed: bytes = b"", awaited: bytes = b""
) -> tuple[int, str]:
    """Run a command with a terminal for all its streams, and return its exit code and all that is seen.

    What is typed waits for what is ``awaited``, and is typed again as long as nothing comes of it: Ctrl-C may be
    missed between the question and the waiting for its answer.
    """
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever runs the tests in the background has Ctrl-C ignored
        arguments = [sys.executable, "-m", "unison_storage.cli", *words]
        os.execve(sys.executable, arguments, {**settings, "TERM": "xterm"})  # noqa: S606 - pty has no other way
    seen, silent = b"", 0
    if not awaited:
        os.write(terminal, typed)
    while silent < 60:
        if select.select([terminal], [], [], 0.5)[0]:
            part = read(terminal)
            if not part:
                break
            seen, silent = seen + part, 0
            continue
        silent += 1
        if awaited and awaited in seen:
            os.write(terminal, typed)
    else:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen.decode()


def read(terminal: int) -> bytes:
    """Return what a terminal shows next, nothing at its end."""
    try:
        return os.read(terminal, 65_536)
    except OSError:  # what Linux gives at the end
        return b""


def test_a_person_is_asked_and_may_say_no(invoke: Invoke, settings: dict[str, str]) -> None:
    invoke("memory", "put", "notes", "a", "--value", '{"a": 1}')
    code, seen = at_a_terminal(["memory", "delete-prefix", "notes"], settings, b"n\n")
    assert code == 1
    assert "delete 1 entry below notes? [y/N]" in seen
    assert document(invoke("memory", "count", "notes", "--json")) == {"count": 1}
    code, seen = at_a_terminal(["memory", "get", "notes", "a"], settings)
    assert '{\r\n  "a": 1\r\n}' in seen
    code, seen = at_a_terminal(["memory", "delete-prefix", "notes"], settings, b"y\n")
    assert (code, document(invoke("memory", "count", "notes", "--json"))) == (0, {"count": 0})


@pytest.mark.parametrize(
    ("words", "question", "typed"),
    [
        (["memory", "delete-prefix", "notes"], "delete 1 entry below notes?", b"\x03"),
        (["graph", "clear", "--space", "a b"], "delete 1 node or edge of space 'a b'?", b"\x03"),
        (["graph", "clear"], "delete 0 nodes and edges of the empty space?", b"n\n"),
        (["erase", "person-1"], "erase all data of person-1 (memory 0, object 0, graph 1, cache 0)?", b"n\n"),
    ],
)
def test_a_question_takes_no_and_ctrl_c(
    invoke: Invoke, settings: dict[str, str], words: list[str], question: str, typed: bytes
) -> None:
    invoke("memory", "put", "notes", "a", "--value", "1")
    node = '{"label": "Device", "id": "d1", "person": "person-1"}'
    invoke("graph", "upsert-nodes", "--value", node, "--space", "a b")
    code, seen = at_a_terminal(words, settings, typed, b"[y/N]: ")
    assert code == 1
    assert question in seen
    assert document(invoke("memory", "count", "notes", "--json")) == {"count": 1}
    assert document(invoke("graph", "stats", "--space", "a b", "--json"))["nodes"] == {"Device": 1}


def test_a_terminal_gets_the_text_of_a_raw_keyspace_alone(invoke: Invoke, settings: dict[str, str]) -> None:
    settings["UNISON_STORAGE_KEYSPACES__THUMBS__CODEC"] = "raw"
    for value, expected in ((b"hello\tthere\n", 0), (b"\xff\x00", 2), (b"\x1b[31m", 2)):
        invoke("cache", "set", "thumbs", "a", input=value)
        code, seen = at_a_terminal(["cache", "get", "thumbs", "a"], settings)
        assert code == expected
        assert ("does not belong on a terminal" in seen) is (code == 2)


def test_a_terminal_gets_no_binary_and_sees_a_bar(invoke: Invoke, settings: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(bytes(30_000_000))
    code, seen = at_a_terminal(["object", "put", "notes", "big", "--file", str(file)], settings)
    assert code == 0
    assert "━" in seen
    code, seen = at_a_terminal(["object", "get", "notes", "big"], settings)
    assert code == 2
    assert "does not belong on a terminal" in seen
    invoke("object", "put", "notes", "small.txt", input=b"hello")
    code, seen = at_a_terminal(["object", "get", "notes", "small.txt"], settings)
    assert (code, seen) == (0, "hello")
