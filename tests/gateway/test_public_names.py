from __future__ import annotations

import subprocess
import sys

import pytest

import unison_storage_gateway


def test_every_name_resolves() -> None:
    assert [
        name for name in unison_storage_gateway.__all__ if getattr(unison_storage_gateway, name, None) is None
    ] == []
    assert set(unison_storage_gateway.__all__) <= set(dir(unison_storage_gateway))


def test_an_unknown_name_is_an_attribute_error() -> None:
    name = "no_such_name"
    with pytest.raises(AttributeError, match=name):
        getattr(unison_storage_gateway, name)


@pytest.mark.parametrize("module", ["unison_storage_gateway", "unison_storage_gateway.commands"])
def test_importing_loads_no_web_framework(module: str) -> None:
    code = f"import sys, {module}; print({{'fastapi', 'starlette', 'uvicorn', 'prometheus_client'}} & set(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "set()"
