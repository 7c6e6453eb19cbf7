"""Memory of unison-storage in a folder of JSON files."""
