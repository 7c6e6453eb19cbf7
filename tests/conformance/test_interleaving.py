from __future__ import annotations

import asyncio
from random import Random

from unison_storage_conformance.interleaving import shuffled


async def turns(seed: int) -> str:
    """Return in which order three tasks took three turns each."""
    taken: list[str] = []

    async def life(name: str) -> None:
        for _ in range(3):
            taken.append(name)
            await asyncio.sleep(0)

    with shuffled(Random(seed)):
        await asyncio.gather(*map(life, "abc"))
    return "".join(taken)


def test_a_seed_draws_the_same_turns_again_and_others_draw_others() -> None:
    found = [asyncio.run(turns(seed)) for seed in range(20)]
    assert found == [asyncio.run(turns(seed)) for seed in range(20)]
    assert len(set(found)) > 15
    assert all(sorted(one) == sorted("abcabcabc") for one in found)


def test_what_is_no_task_keeps_its_order() -> None:
    async def callbacks() -> list[int]:
        heard: list[int] = []
        with shuffled(Random(1)):
            for number in range(50):
                asyncio.get_running_loop().call_soon(heard.append, number)
            await asyncio.sleep(0.001)
        return heard

    assert asyncio.run(callbacks()) == list(range(50))


def test_afterwards_the_loop_is_as_it_was() -> None:
    async def after() -> bool:
        with shuffled(Random(1)):
            await asyncio.sleep(0)
        return "call_soon" in vars(asyncio.get_running_loop())

    assert not asyncio.run(after())


def test_a_task_keeps_its_context() -> None:
    async def contexts() -> list[str]:
        async def life(name: str) -> str:
            task = asyncio.current_task()
            assert task is not None
            task.set_name(name)
            for _ in range(5):
                await asyncio.sleep(0)
                assert asyncio.current_task() is task
            return task.get_name()

        with shuffled(Random(3)):
            return list(await asyncio.gather(*map(life, "abc")))

    assert asyncio.run(contexts()) == ["a", "b", "c"]


def test_a_turn_never_comes_before_what_was_asked_of_the_loop_earlier() -> None:
    async def waking(seed: int) -> list[str]:
        loop = asyncio.get_running_loop()
        heard: list[str] = []
        gates = [loop.create_future() for _ in range(4)]

        async def life(number: int) -> None:
            await gates[number]
            heard.append(f"turn {number}")

        with shuffled(Random(seed)):
            lives = [asyncio.ensure_future(life(number)) for number in range(4)]
            await asyncio.sleep(0.001)
            for number, gate in enumerate(gates):
                loop.call_soon(heard.append, f"call {number}")
                gate.set_result(None)
            await asyncio.gather(*lives)
        return heard

    for seed in range(50):
        heard = asyncio.run(waking(seed))
        assert len(heard) == 8
        assert all(heard.index(f"call {number}") < heard.index(f"turn {number}") for number in range(4)), heard
