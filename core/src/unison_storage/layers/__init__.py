"""Layers: each takes a backend and returns a backend. Outermost first: readonly, coalesce, retry, deadline."""
