from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen

import httpx
import psutil
import pytest

from tests.gateway.service import bearer, tokens_file
from unison_storage_gateway import TokensFile

MAIN = (sys.executable, "-m", "unison_storage.cli")
READY = r"(?:listens|development) on (http://\S+)(?<=\d)(?:\n|.*Ctrl-C stops)"
MIB = 1 << 20


@contextmanager
def running(folder: Path, word: str, *arguments: str, **settings: str) -> Iterator[tuple[Popen[bytes], str]]:
    """Run a word until it says where it listens; its words go to ``out``, its logs to ``err``."""
    out, err = folder / "out", folder / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        command = [*MAIN, word, *arguments]
        process = Popen(command, cwd=folder, env=settings, stdin=DEVNULL, stdout=stdout, stderr=stderr)
    try:
        deadline = time.monotonic() + 30
        while (found := re.search(READY, out.read_text(), re.DOTALL)) is None:
            assert process.poll() is None, err.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield process, found[1]
    finally:
        process.kill()
        process.wait()


def refused(folder: Path, word: str, *arguments: str, **settings: str) -> str:
    """Run a word that is to fail, and return what it says."""
    command = [*MAIN, word, *arguments]
    finished = subprocess.run(
        command, cwd=folder, env=settings, stdin=DEVNULL, capture_output=True, text=True, timeout=30, check=False
    )
    assert finished.returncode == 1, finished.stderr
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    return " ".join(finished.stderr.split())


def test_dev_says_what_it_serves_and_its_curl_line_works(tmp_path: Path) -> None:
    with running(tmp_path, "dev", "--port", "0") as (process, origin):
        out = (tmp_path / "out").read_text()
        token = (tmp_path / "data" / "token").read_text().strip()
        assert token not in out
        assert "sqlite:///data/storage.db" in out
        curl = next(line for line in out.splitlines() if line.startswith("curl"))
        assert "$(cat data/token)" in curl
        assert curl.endswith(f"{origin}/v1/memory/notes/first")
        put = subprocess.run(["bash", "-c", f"{curl} -sf"], cwd=tmp_path, capture_output=True, check=False)
        assert put.returncode == 0
        assert b'"version"' in put.stdout
        get = curl.replace(" -X PUT", "").replace(" -d '\"hello\"'", "")
        read = subprocess.run(["bash", "-c", f"{get} -sf"], cwd=tmp_path, capture_output=True, check=False)
        assert read.stdout == b'"hello"'
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert token not in (tmp_path / "err").read_text()
    with running(tmp_path, "dev", "--port", "0") as (_, origin):
        again = httpx.get(f"{origin}/v1/memory/notes/first", headers=bearer(token))
        assert again.json() == "hello"


def test_dev_takes_a_token_and_urls_from_the_settings(tmp_path: Path) -> None:
    settings = {
        "UNISON_STORAGE_HTTP_TOKEN": "token-of-the-environment",
        "UNISON_STORAGE_DATABASE_URL": "sqlite:///elsewhere.db",
        "UNISON_STORAGE_HTTP_PORT": "0",
    }
    tmp_path.chmod(0o700)
    with running(tmp_path, "dev", **settings) as (_, origin):
        out = (tmp_path / "out").read_text()
        assert "token-of-the-environment" not in out
        assert "$UNISON_STORAGE_HTTP_TOKEN" in out
        assert "sqlite:///elsewhere.db" in out
        assert httpx.get(f"{origin}/v1/memory/notes/a", headers=bearer("token-of-the-environment")).status_code == 404
        assert httpx.get(f"{origin}/healthz", headers={"Host": "evil.example"}).status_code == 421
        assert not (tmp_path / "data" / "token").exists()


def test_dev_refuses_what_is_not_safe(tmp_path: Path) -> None:
    assert "UNISON_STORAGE_PROFILE" in refused(tmp_path, "dev", UNISON_STORAGE_PROFILE="production")
    (tmp_path / "data").mkdir(mode=0o755)
    assert "chmod 700 data" in refused(tmp_path, "dev", "--port", "0")


def test_a_port_in_use_names_the_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refused(tmp_path, "dev", "--port", str(taken.getsockname()[1]))
    assert "UNISON_STORAGE_HTTP_PORT" in said


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["UNISON_STORAGE_HTTP_TOKENS_FILE", "unison-storage tokens new"]),
        ({"UNISON_STORAGE_HTTP_TOKEN": "s3cret"}, ["UNISON_STORAGE_HTTP_TOKENS_FILE", "production"]),
        ({"UNISON_STORAGE_PROFILE": "development"}, ["UNISON_STORAGE_HTTP_TOKEN", "unison-storage tokens new"]),
        ({"UNISON_STORAGE_HTTP_PORT": "http"}, ["http_port"]),
        (
            {
                "UNISON_STORAGE_PROFILE": "test",
                "UNISON_STORAGE_HTTP_TOKEN": "s3cret",
                "UNISON_STORAGE_MEMORY_URL": "x://y",
            },
            ["x"],
        ),
    ],
)
def test_serve_refuses_to_start_and_says_why(tmp_path: Path, settings: dict[str, str], words: list[str]) -> None:
    said = refused(tmp_path, "serve", "--port", "0", **settings)
    assert [word for word in words if word not in said] == []
    assert "s3cret" not in said


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Popen[bytes], str]]:
    folder.chmod(0o700)
    tokens = tokens_file(folder, svc={"persons": "*", "permissions": ["memory:*", "object:*"]})
    settings = {
        "UNISON_STORAGE_PROFILE": "test",
        "UNISON_STORAGE_DATABASE_URL": "sqlite:///storage.db",
        "UNISON_STORAGE_HTTP_TOKENS_FILE": str(tokens),
        "UNISON_STORAGE_HTTP_PORT": "0",
    }
    with running(folder, "serve", **settings) as served:
        yield served


def test_serve_says_one_line_and_ends_what_is_under_way(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, origin):
        assert (tmp_path / "out").read_text() == f"unison-storage listens on {origin}\n"
        port = int(origin.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
            head = (
                "PUT /v1/objects/files/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer svc\r\nContent-Length: 4\r\n\r\n"
            )
            wire.sendall(head.encode() + b"12")
            assert httpx.get(f"{origin}/readyz").status_code == 200
            process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + 5
            while (ready := httpx.get(f"{origin}/readyz")).status_code == 200:
                assert time.monotonic() < deadline
            assert ready.json() == {"ready": False, "failing": ["draining"]}
            while True:
                try:
                    httpx.get(f"{origin}/healthz")
                except httpx.TransportError:
                    break
                assert time.monotonic() < deadline
            assert process.poll() is None
            wire.sendall(b"34")
            assert wire.recv(100).startswith(b"HTTP/1.1 201")
        assert process.wait(10) == 0
    assert "Traceback" not in (tmp_path / "err").read_text()


def test_memory_stays_flat_however_large_an_object_is(tmp_path: Path) -> None:
    def source() -> Iterator[bytes]:
        for _ in range(96):
            yield b"x" * MIB

    with serving(tmp_path) as (process, origin):
        client = httpx.Client(base_url=origin, headers=bearer("svc"), timeout=60)
        with client:
            client.put("/v1/objects/files/small", content=b"x" * MIB)
            client.get("/v1/objects/files/small")
            server = psutil.Process(process.pid)
            before = server.memory_info().rss
            assert client.put("/v1/objects/files/large", content=source()).status_code == 201
            after_upload = server.memory_info().rss
            with client.stream("GET", "/v1/objects/files/large") as answer:
                assert sum(len(chunk) for chunk in answer.iter_bytes()) == 96 * MIB
            after = server.memory_info().rss
            assert max(after_upload, after) - before < 24 * MIB


def test_the_log_is_json_and_says_nothing_of_paths(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, origin):
        httpx.put(f"{origin}/v1/memory/notes/canary", content=b"1", headers=bearer("svc"))
        with socket.create_connection(("127.0.0.1", int(origin.rpartition(":")[2])), timeout=10) as wire:
            wire.sendall(b"canary canary canary\r\n\r\n")
            assert b"400" in wire.recv(100)
        lines = [json.loads(line) for line in (tmp_path / "err").read_text().splitlines()]
        assert [line["event"] for line in lines] == ["request", "log.uvicorn.error"]
        assert "canary" not in str(lines)


def test_tokens_that_the_command_line_makes_are_known(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    words = ["tokens", "new", "svc", "--file", str(path), "--permission", "memory:*", "--permission", "metrics:read"]
    made = [
        subprocess.run([*MAIN, *words, *whose], env={}, capture_output=True, text=True, check=True).stdout.strip()
        for whose in (["--all-persons"], ["--person", "ann", "--expires", "90d"])
    ]
    tokens = TokensFile(path, strict=True)
    found = [tokens.verify(token) for token in made]
    assert [one and (one.name, one.persons) for one in found] == [("svc", None), ("svc", frozenset(("ann",)))]
    assert tokens.verify(made[0] + "x") is None
