from __future__ import annotations

import hashlib
from base64 import b64decode
from pathlib import Path

import pytest

from tests.core.cli.conftest import Invoke, Start, document

PLACE = ("transcripts", "person-1")
BINARY = bytes(range(256)) * 4096  # a megabyte in several chunks, with every byte there is


def test_bytes_go_in_by_stdin_and_out_by_stdout(start: Start) -> None:
    put = start("object", "put", *PLACE, "call.wav", input=BINARY)
    assert put.returncode == 0
    assert put.stdout.startswith(b"created, 1.0 MiB, version ")
    assert start("object", "get", *PLACE, "call.wav").stdout == BINARY
    assert start("object", "get", *PLACE, "call.wav", "--start", "255", "--end", "258").stdout == b"\xff\x00\x01"


def test_an_empty_object(invoke: Invoke) -> None:
    assert invoke("object", "put", *PLACE, "empty", input=b"").exit_code == 0
    got = invoke("object", "get", *PLACE, "empty")
    assert (got.exit_code, got.stdout_bytes, got.stderr) == (0, b"", "")


def test_files_in_and_out(invoke: Invoke, tmp_path: Path) -> None:
    source, target = tmp_path / "call.wav", tmp_path / "out.wav"
    source.write_bytes(BINARY)
    put = document(invoke("object", "put", *PLACE, "a", "--file", str(source), "--json"))
    assert put["created"] is True
    assert (put["size"], put["sha256"]) == (len(BINARY), hashlib.sha256(BINARY).hexdigest())
    assert put["content_type"] in ("audio/x-wav", "audio/wav")
    got = invoke("object", "download", *PLACE, "a", "--to", str(target))
    assert (got.exit_code, got.stdout) == (0, f"1.0 MiB in {target}\n")
    assert target.read_bytes() == BINARY
    assert list(tmp_path.glob("*.part")) == []


def test_a_download_that_fails_leaves_nothing(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("object", "download", *PLACE, "none", "--to", str(tmp_path / "none")).exit_code == 1
    invoke("object", "put", *PLACE, "a", input=b"abc")
    failed = invoke("object", "download", *PLACE, "a", "--to", str(tmp_path / "no-folder" / "a"))
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert failed.stderr.startswith("FileNotFoundError: No such file or directory")
    onto_folder = invoke("object", "download", *PLACE, "a", "--to", str(tmp_path))
    assert onto_folder.exit_code == 1
    assert list(tmp_path.glob("**/*.part")) == []


def test_what_is_known_of_an_object(invoke: Invoke) -> None:
    invoke("object", "put", *PLACE, "call.txt", input=b"abc")
    head = invoke("object", "head", *PLACE, "call.txt")
    assert "3 B (3 bytes)" in head.stdout
    assert hashlib.sha256(b"abc").hexdigest() in head.stdout
    known = document(invoke("object", "head", *PLACE, "call.txt", "--json"))
    assert (known["size"], known["content_type"], known["person"]) == (3, "text/plain", "person-1")
    listed = document(invoke("object", "list", *PLACE, "--json"))
    assert listed == {"items": [known], "cursor": None}
    assert "call.txt" in invoke("object", "list", *PLACE).stdout


def test_bytes_in_a_document(invoke: Invoke) -> None:
    invoke("object", "put", *PLACE, "a", input=BINARY)
    got = document(invoke("object", "get", *PLACE, "a", "--start", "1", "--end", "5", "--json"))
    assert (b64decode(got["base64"]), got["start"], got["end"], got["size"]) == (b"\1\2\3\4", 1, 5, len(BINARY))


@pytest.mark.parametrize("words", [("get",), ("head",), ("download", "--to", "/tmp/never"), ("copy", "--to", "b")])
def test_what_is_not_there_fails_with_a_line(invoke: Invoke, words: tuple[str, ...]) -> None:
    result = invoke("object", words[0], *PLACE, "none", *words[1:])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "NotFound: there is no such object\n"
    assert document(invoke("object", words[0], *PLACE, "none", *words[1:], "--json"))["error"]["type"] == "NotFound"


def test_expectations(invoke: Invoke) -> None:
    put = ("object", "put", *PLACE, "a", "--json")
    version = document(invoke(*put, "--expect", "absent", input=b"1"))["version"]
    assert document(invoke(*put, "--expect", "absent", input=b"2"))["error"]["type"] == "AlreadyExists"
    assert document(invoke(*put, "--expect", version, input=b"2"))["created"] is False
    assert document(invoke(*put, "--expect", version, input=b"3"))["error"]["type"] == "VersionConflict"
    assert invoke("object", "get", *PLACE, "a").stdout_bytes == b"2"


def test_copies(invoke: Invoke) -> None:
    invoke("object", "put", *PLACE, "a", "--content-type", "audio/wav", input=b"abc")
    beside = invoke("object", "copy", *PLACE, "a", "--to", "b c")
    assert beside.stdout.startswith("copied to transcripts person-1 'b c', version ")
    elsewhere = document(invoke("object", "copy", *PLACE, "a", "--to", "archive", "--to", "x", "--to", "a", "--json"))
    assert (elsewhere["keyspace"], elsewhere["namespace"], elsewhere["content_type"]) == ("archive", ["x"], "audio/wav")
    assert invoke("object", "get", "archive", "x", "a").stdout_bytes == b"abc"


def test_deleting(invoke: Invoke) -> None:
    for key in ("a", "b", "c"):
        invoke("object", "put", *PLACE, key, input=b"1")
    assert invoke("object", "delete", *PLACE, "a").stdout == "deleted\n"
    assert invoke("object", "delete", *PLACE, "a").stdout == "nothing was there\n"
    assert invoke("object", "count", "transcripts").exit_code == 1
    assert document(invoke("object", "count", *PLACE, "--json")) == {"count": 2}
    assert document(invoke("object", "delete-prefix", *PLACE, "--dry-run", "--json")) == {"would_delete": 2}
    assert document(invoke("object", "delete-prefix", *PLACE, "--yes", "--json")) == {"deleted": 2}


def test_urls_where_the_backend_has_none(invoke: Invoke) -> None:
    invoke("object", "put", *PLACE, "a", input=b"1")
    result = invoke("object", "url", *PLACE, "a", "--lifetime", "10m")
    assert (result.exit_code, result.stderr.partition(":")[0]) == (1, "Unsupported")
    assert invoke("object", "url", *PLACE, "a", "--lifetime", "soon").exit_code == 2


@pytest.mark.parametrize("key", ["", "..", "a\nb", "x" * 1025])
def test_hostile_keys_are_refused_in_one_line(invoke: Invoke, key: str) -> None:
    result = invoke("object", "put", *PLACE, key, input=b"1")
    assert (result.exit_code, result.stderr.partition(":")[0]) == (1, "InvalidKey")
    assert len(result.stderr.splitlines()) == 1


def test_a_key_that_looks_like_a_path_stays_a_key(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("object", "put", *PLACE, "../../../tmp/evil", input=b"1").exit_code == 0
    assert invoke("object", "get", *PLACE, "../../../tmp/evil").stdout_bytes == b"1"
    assert not any("evil" in path.name for path in tmp_path.rglob("*"))
