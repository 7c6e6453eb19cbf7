"""Listening: what a process tells while something is done: logs, warnings, standard streams, unraised exceptions.

What is written past Python to the descriptors themselves is not heard. What may not be told stands in ``canaries``.
"""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

_NAMES: Final = ("stdout", "stderr")


class _Notes(logging.Handler):
    """Keeps what every logger says, with its arguments and the text of its exception."""

    def __init__(self, heard: list[tuple[str, str]]) -> None:
        super().__init__(logging.DEBUG)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        said = [record.getMessage(), repr(record.args), repr(vars(record))]
        if record.exc_info:
            said.append("".join(traceback.format_exception(*record.exc_info)))
        self._heard.append((f"the log {record.name}", " ".join(said)))


class _Tee:
    """A stream that keeps what goes through it."""

    def __init__(self, stream: TextIO, name: str, heard: list[tuple[str, str]]) -> None:
        self._stream = stream
        self._name = name
        self._heard = heard

    def write(self, text: str) -> int:
        """Keep the text and pass it on."""
        self._heard.append((self._name, text))
        return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Keep each line and pass it on."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def listening() -> Iterator[list[tuple[str, str]]]:
    """Give a list that grows by whatever the process tells meanwhile: by whom, and the text."""
    heard: list[tuple[str, str]] = []
    notes = _Notes(heard)
    loggers = [logging.getLogger(), *_apart()]
    levels = [(logger, logger.level) for logger in loggers]
    streams, hook = (sys.stdout, sys.stderr), sys.unraisablehook
    sys.stdout, sys.stderr = (_Tee(stream, name, heard) for stream, name in zip(streams, _NAMES, strict=True))
    sys.unraisablehook = lambda given: heard.append(("an exception that nobody could raise", repr(given)))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for logger in loggers:
            logger.addHandler(notes)
            logger.setLevel(logging.DEBUG)
        try:
            yield heard
        finally:
            for logger, level in levels:
                logger.removeHandler(notes)
                logger.setLevel(level)
            sys.stdout, sys.stderr = streams
            sys.unraisablehook = hook
            heard += [("a warning", str(one.message)) for one in warned]


def _apart() -> list[logging.Logger]:
    """Return the loggers that keep to themselves what the root would not hear, or would hear too little of."""
    known = logging.getLogger().manager.loggerDict.values()
    return [one for one in known if isinstance(one, logging.Logger) and (one.level or not one.propagate)]
