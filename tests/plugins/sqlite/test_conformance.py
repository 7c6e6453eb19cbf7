"""SQLite keeps every law, as the suite tries it on anybody's backend."""

from __future__ import annotations

import atexit
import shutil
import tempfile

from unison_storage_conformance import suite

# the URL is fixed when tests are collected, before pytest hands out folders
FOLDER = tempfile.mkdtemp()
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

TestSqlite = suite(f"sqlite:///{FOLDER}/x.db", profile="ci", strict=True)
