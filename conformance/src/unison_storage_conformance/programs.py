"""Programs: what a few clients call at once, drawn and played. What calls come to is a model's business."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from itertools import count
from random import Random
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from unison_storage.errors import AvailabilityError, StorageError
from unison_storage_conformance.interleaving import shuffled
from unison_storage_conformance.linearizability import FOREVER, PENDING, Call, Model

CLIENTS: Final = 3
ACTS: Final = 4
PLACES: Final = 2


class Act(Struct, frozen=True):
    """One call of a program: what is done and where. ``number`` makes it like no other; ``pause`` counts turns."""

    does: str
    places: tuple[int, ...]
    number: int
    pause: int = 0


Program: TypeAlias = tuple[tuple[Act, ...], ...]
"""What happens first, one by one, and then what each client does meanwhile."""


class Client:
    """Who calls: a backend or a handle, and what was seen through it so far, by place."""

    def __init__(
        self, number: int, backend: Any, ground: Any, base: int, history: list[Call], stamps: Iterator[int]
    ) -> None:
        self.number = number
        self.backend = backend
        self.ground = ground
        self.base = base
        """The backend's time at the beginning, in microseconds."""
        self.seen: dict[str, Any] = {}
        self._history = history
        self._stamps = stamps

    def expected(self, place: str, expect: Any) -> Any:
        """Return an expectation; for ``None`` it is the version that was seen last, or one that never was."""
        return (self.seen.get(place) or "never") if expect is None else expect

    async def batch(
        self,
        operation: str,
        items: Sequence[Any],
        told: Callable[[Any], Any] = lambda answer: answer,
        given: Sequence[Any] | None = None,
        **named: Any,
    ) -> Sequence[Any]:
        """Call with a batch; each item counts as a call of its own, since no batch is promised to be one step.

        ``given`` is what the model is told of each item, ``told`` what of each answer.
        """
        called = next(self._stamps)
        try:
            answers = await getattr(self.backend, operation)(items, **named)
        except StorageError as error:
            answers = [error] * len(items)
        self._note(operation, called, zip(given or items, answers, strict=True), told)
        return list(answers)

    async def single(
        self, operation: str, given: Any, call: Awaitable[Any], told: Callable[[Any], Any] = lambda answer: answer
    ) -> Any:
        """Await a call that is no batch."""
        called = next(self._stamps)
        try:
            answer = await call
        except StorageError as error:
            answer = error
        self._note(operation, called, [(given, answer)], told)
        return answer

    def _note(self, operation: str, called: int, found: Iterable[tuple[Any, Any]], told: Callable[[Any], Any]) -> None:
        answered = next(self._stamps)
        for given, answer in found:
            if not isinstance(answer, StorageError):
                ended, shown = answered, told(answer)
            elif answer.outcome_unknown:
                ended, shown = FOREVER, PENDING
            else:
                ended, shown = answered, type(answer)
            self._history.append(Call(self.number, operation, given, shown, called, ended))


Deed: TypeAlias = Callable[[Client, Act, Sequence[str]], Awaitable[object]]


class Trade(Struct, frozen=True):
    """What clients of a contract do: deeds by name with how often each is drawn, and the model that judges them."""

    deeds: Mapping[str, tuple[int, Deed]]
    start: Hashable
    model: Model[Any]
    key: Callable[[Call], Hashable]
    first: Sequence[str]
    """Deeds that put something there, before the others begin."""
    last: Sequence[str]
    """Deeds that read at the end what is left."""
    places: Callable[[Any], Sequence[str]]
    after: Callable[[Client], Awaitable[None]] | None = None
    """What else has to hold when all is over."""
    meanwhile: Callable[[Random], Awaitable[None]] | None = None
    """What is set going just before the clients begin."""


def model_of(effect: Callable[[Any, str, Any], tuple[Any, Any]]) -> Model[Any]:
    """Return the model of an effect: ``(state, operation, given)`` → state after and answer, errors by class."""

    def model(state: Any, call: Call) -> Sequence[Any]:
        after, wanted = effect(state, call.operation, call.given)
        return (after,) if call.answer in (PENDING, wanted) else ()

    return model


def drawn(random: Random, trade: Trade) -> Program:
    """Return a program of a fixed shape; shorter ones come of cutting it down.

    Half of them do but a few of all things, since the rest would hide how those meet (Groce et al., "Swarm testing",
    2012), and half begin where something is there.
    """
    names = list(trade.deeds)
    if random.random() < 0.5:
        names = random.sample(names, random.randint(2, min(4, len(names))))
    weights = [trade.deeds[name][0] for name in names]
    where = random.choice(((0,), (0, 0, 1)))
    numbers = count(1)

    def act() -> Act:
        does = random.choices(names, weights)[0]
        places = tuple(range(PLACES)) if random.random() < 0.15 else (random.choice(where),)
        return Act(does, places, next(numbers), random.choice((0, 0, 0, 1, 1, 2, 3)))

    first = trade.first if random.random() < 0.5 else ()
    opening = tuple(Act(does, tuple(range(PLACES)), next(numbers)) for does in first)
    return (opening, *(tuple(act() for _ in range(ACTS)) for _ in range(CLIENTS)))


async def played(trade: Trade, program: Program, backends: Sequence[Any], ground: Any, seed: str) -> list[Call]:
    """Play a program on fresh places and return its history, read back at the end; in turns that the seed draws."""
    history: list[Call] = []
    stamps = count()
    base = await ground.now()
    places = trade.places(ground)
    clients = [Client(number, backend, ground, base, history, stamps) for number, backend in enumerate(backends)]
    random = Random(seed)  # noqa: S311 - drawn so that it can be repeated, not to keep a secret

    async def life(client: Client, acts: Sequence[Act]) -> None:
        for act in acts:
            for _ in range(act.pause):
                await asyncio.sleep(0)
            with suppress(AvailabilityError):  # of what prepares a call: then it isn't made
                await trade.deeds[act.does][1](client, act, [places[place] for place in act.places])

    opening, *acts = program
    await life(clients[0], opening)
    if trade.meanwhile is not None:
        await trade.meanwhile(random)
    with shuffled(random) if random.random() < 0.5 else nullcontext():
        lives = [asyncio.ensure_future(life(*pair)) for pair in zip(clients, acts, strict=True)]
        try:
            await asyncio.gather(*lives)
        finally:
            for one in lives:
                one.cancel()
            await asyncio.gather(*lives, return_exceptions=True)
    reader = clients[0]
    for number, does in enumerate(trade.last):
        await trade.deeds[does][1](reader, Act(does, (), -number), places)
    if trade.after is not None:
        await trade.after(reader)
    return history


def shorter(program: Program) -> Iterator[Program]:
    """Yield the programs with one act less, or with a batch of one."""
    for client, acts in enumerate(program):
        for place, act in enumerate(acts):
            yield _with(program, client, acts[:place] + acts[place + 1 :])
            if len(act.places) > 1:
                for one in act.places:
                    alone = replace(act, places=(one,))
                    yield _with(program, client, (*acts[:place], alone, *acts[place + 1 :]))


def _with(program: Program, client: int, acts: tuple[Act, ...]) -> Program:
    return (*program[:client], acts, *program[client + 1 :])
