"""Logs as JSON lines of allow-listed keys. Paths, queries, bodies, persons, keys, values and tokens have no key here.

What other libraries log is reduced to the name of their logger and the class of an error: their texts may hold data.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Final

LOGGER: Final = logging.getLogger("unison_storage_gateway")
KEYS: Final = (
    *("time", "level", "event", "request_id", "principal", "route", "kind", "operation", "backend", "keyspace"),
    *("status", "duration", "error"),
)
_FIELDS: Final = "unison_storage_fields"
_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON that holds allow-listed keys alone."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        fields: dict[str, Any] = getattr(record, _FIELDS, {})
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")[:-6] + "Z"
        line = {"time": time, "level": record.levelname.lower(), "event": f"log.{record.name}"}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        line |= {key: fields[key] for key in KEYS if fields.get(key) is not None}
        return json.dumps(line)


def event(level: str, name: str, **fields: Any) -> None:
    """Log one event; fields outside the list are a mistake of the caller."""
    unknown = fields.keys() - set(KEYS)
    if unknown:
        raise TypeError(f"a log has no {', '.join(sorted(unknown))}")
    number = _LEVELS[level]
    if LOGGER.isEnabledFor(number):
        LOGGER.log(number, name, extra={_FIELDS: {"event": name, **fields}})


def place(error: BaseException) -> str:
    """Return the class of an unexpected error and the line that raised it; never its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} at {PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def configure() -> None:
    """Send all logs of this process to stderr as JSON lines; for the commands, not for applications that embed us."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(logging.INFO)
