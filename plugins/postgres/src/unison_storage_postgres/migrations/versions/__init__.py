"""The revisions, in the order of their names. What applies them stands in ``migrations``."""
