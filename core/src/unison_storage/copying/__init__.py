"""Copying what one storage holds into another, and comparing the two. What is shown of it stands in ``cli``."""
