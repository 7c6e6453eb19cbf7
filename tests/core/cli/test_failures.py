"""How commands end: exit codes, streams that are closed, full or broken, interruption; and that stdout stays pure."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.core.cli.conftest import Invoke, Start, document
from unison_storage import errors
from unison_storage.cli.failures import remedy, wants_json

CANARY = "canary-5f2c"
COMMAND = f"{shlex.quote(sys.executable)} -m unison_storage.cli"


def shell(script: str, settings: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    script = script.replace("unison-storage", COMMAND)
    env = {**settings, "PATH": "/usr/bin:/bin"}
    return subprocess.run(["bash", "-c", script], capture_output=True, env=env, check=False, timeout=60)


@pytest.mark.parametrize(
    "words",
    [
        ("plugins",),
        ("config", "explain"),
        ("doctor",),
        ("check",),
        ("check", "--profile", "production"),
        ("migrate", "--status"),
        ("migrate", "--dry-run"),
        ("migrate",),
        ("sweep",),
        ("reconcile", "--scrub"),
        ("memory", "put", "notes", "a", "--value", "1"),
        ("memory", "get", "notes", "a"),
        ("memory", "get", "notes"),
        ("memory", "get", ".", "a"),
        ("memory", "list", "notes"),
        ("memory", "delete-prefix", "notes"),
        ("object", "list", "notes"),
        ("object", "get", "notes", "none"),
        ("graph", "upsert-nodes", "--value", '[{"label": "Person", "id": "p1"}, {"label": "Nobody", "id": "p1"}]'),
        ("graph", "upsert-nodes", "--value", "nonsense"),
        ("graph", "get-node", "Person", "none"),
        ("graph", "neighbors", "Person", "p1"),
        ("graph", "traverse", "Person"),
        ("graph", "traverse", "Person", "p1"),
        ("graph", "shortest-path", "Person", "p1", "Person", "p2"),
        ("graph", "find-nodes", "Person"),
        ("graph", "stats"),
        ("graph", "clear"),
        ("graph", "clear", "--yes"),
        ("graph", "model"),
        ("cache", "set", "notes", "a", "--value", "1"),
        ("cache", "get", "notes", "a"),
        ("cache", "add", "notes", "a", "--value", "1"),
        ("cache", "acquire", "notes", "a", "--lifetime", "5"),
        ("erase", "person-1"),
        ("erase", "person-1", "--dry-run"),
        ("erase", "person-1", "--yes"),
        ("tokens", "new", "ci"),
        ("nonsense",),
        ("memory", "nonsense"),
        ("memory", "list", "notes", "--limit", "x"),
    ],
    ids=" ".join,
)
def test_stdout_is_one_document(invoke: Invoke, words: tuple[str, ...]) -> None:
    result = invoke(*words, "--json")
    given = document(result)
    assert isinstance(given, dict)
    if result.exit_code == 2:
        assert given["error"]["type"] == "WrongUsage"
        assert result.stderr
    assert "Traceback" not in result.stderr


def test_an_error_is_one_document_and_one_line(start: Start) -> None:
    finished = start("memory", "count", "notes", "--json", database_url="sqlite:////dev/null/x.db")
    assert finished.returncode == 1
    error = json.loads(finished.stdout)["error"]
    assert set(error) == {"type", "message", "retryable", "outcome_unknown"}
    assert finished.stderr.decode().startswith(f"{error['type']}: {error['message']}\n")


@pytest.mark.parametrize("url", ["postgresql://user:{}@host/db", "sqlite:///{}?x={}", "nonsense {}", "redis://:{}@h:x"])
@pytest.mark.parametrize("words", [("memory", "count", "notes"), ("doctor",), ("check",), ("migrate",)], ids=" ".join)
def test_secrets_in_urls_appear_nowhere(invoke: Invoke, url: str, words: tuple[str, ...]) -> None:
    url = url.replace("sqlite:///{}", "sqlite:///tmp/x").format(CANARY, CANARY)
    for more in ((), ("--json",)):
        result = invoke(*words, *more, database_url=url)
        if words != ("check",):  # it opens nothing, and so does not see every fault of a URL
            assert result.exit_code == 1
        assert CANARY not in result.output


def test_what_follows_two_dashes_is_no_option() -> None:
    assert wants_json(["memory", "get", "--json", "--", "a"])
    assert not wants_json(["memory", "get", "--", "notes", "--json"])


def test_remedies() -> None:
    assert remedy(errors.NotFound("x")) is None
    assert remedy(errors.PoolExhausted("x")) == "unison-storage doctor says what answers and what doesn't"
    assert "look before" in str(remedy(errors.Unavailable("x", outcome_unknown=True)))
    for kind in (errors.InvalidConfig, errors.UnknownScheme):
        assert "config explain" in str(remedy(kind("x")))
    assert "--detach" in str(remedy(errors.HasEdges("x")))
    assert "--wait" in str(remedy(errors.LeaseHeld("x")))
    assert "graph model" in str(remedy(errors.ClassificationViolation("x", kind="graph")))
    assert remedy(errors.ClassificationViolation("x", kind="cache")) is None


def test_nobody_reads_on(settings: dict[str, str]) -> None:
    script = "head -c 20000000 /dev/zero | unison-storage object put notes big >&2; "
    script += "unison-storage object get notes big | head -c 1 >/dev/null; echo ${PIPESTATUS[0]}"
    finished = shell(script, settings)
    assert finished.stdout.decode() == "141\n"
    assert b"Traceback" not in finished.stderr
    assert b"Broken" not in finished.stderr


@pytest.mark.parametrize("words", ["plugins", "plugins --json", "memory list notes --json", "object get notes a"])
def test_a_full_disk_is_told(settings: dict[str, str], words: str) -> None:
    script = f"echo abc | unison-storage object put notes a >/dev/null; unison-storage {words} >/dev/full"
    finished = shell(script, settings)
    assert finished.returncode == 1
    assert finished.stderr.decode() == "OSError: No space left on device\n"


def test_closed_streams(settings: dict[str, str], tmp_path: Path) -> None:
    out = shell("unison-storage plugins >&-", settings)
    assert (out.returncode, out.stderr.decode()) == (1, "OSError: stdout is closed\n")
    file = tmp_path / "tokens.toml"
    token = shell(f"unison-storage tokens new a --all-persons --permission erase --file {file} >&-", settings)
    assert (token.returncode, file.exists()) == (1, False)
    nothing = shell("unison-storage memory put notes a <&-", settings)
    assert nothing.returncode == 2
    assert b"stdin is closed" in nothing.stderr
    assert shell("unison-storage plugins 2>&-", settings).returncode == 0
    assert shell("unison-storage memory get notes none 2>&-", settings).returncode == 1


def test_an_encoding_that_lacks_characters(settings: dict[str, str]) -> None:
    finished = shell("PYTHONIOENCODING=ascii unison-storage doctor", settings)
    assert finished.returncode == 0
    assert b"Traceback" not in finished.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("object", "put", "notes", "a"),
        ("memory", "put", "notes", "a"),
        ("cache", "set", "notes", "a"),
        ("cache", "set", "thumbs", "a"),
        ("graph", "upsert-nodes"),
    ],
    ids=" ".join,
)
def test_ctrl_c_ends_a_command_that_waits_for_input(settings: dict[str, str], words: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "unison_storage.cli", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**settings, "UNISON_STORAGE_KEYSPACES__THUMBS__CODEC": "raw"},
        # whoever runs the tests in the background has Ctrl-C ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    with process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"1")
        process.stdin.flush()
        until_it_waits(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert b"Traceback" not in process.stderr.read()


def until_it_waits(pid: int) -> None:
    """Return when a process has done nothing for a while: then it waits for its input."""
    process = psutil.Process(pid)
    deadline = time.monotonic() + 30
    quiet_since, busy = time.monotonic(), -1.0
    while time.monotonic() < deadline:
        times = process.cpu_times()
        if times.user + times.system != busy or process.status() != psutil.STATUS_SLEEPING:
            quiet_since, busy = time.monotonic(), times.user + times.system
        if busy > 0.1 and time.monotonic() - quiet_since > 0.3:
            return
        time.sleep(0.01)
    pytest.fail("the command never came to wait for its input")
