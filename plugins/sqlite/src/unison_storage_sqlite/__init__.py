"""Every kind of unison-storage on one SQLite file, with a folder beside it for bytes."""
