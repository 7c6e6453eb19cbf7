"""SQLite keeps every law, as the suite tries it on anybody's backend.

Where the tests run on several Pythons, each kind is tried at length on one of them, and quickly on the others.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile

from tests.plugins.sqlite.surroundings import InFolder
from tests.share import shared
from unison_storage_conformance import suite

# the URL is fixed when tests are collected, before pytest hands out folders
FOLDER = tempfile.mkdtemp()
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

KINDS = ("memory", "object", "graph", "cache")
AT_LENGTH = shared(KINDS)

TestAtLength = suite(f"sqlite:///{FOLDER}/x.db", AT_LENGTH, profile="ci", strict=True)
TestFolder = suite(InFolder(f"{FOLDER}/blobs"), strict=True)
if REST := [kind for kind in KINDS if kind not in AT_LENGTH]:
    TestQuickly = suite(f"sqlite:///{FOLDER}/y.db", REST, strict=True)
