"""``python -m unison_storage.cli``. Nothing else stands here."""

from __future__ import annotations

from unison_storage.cli import main

main()
