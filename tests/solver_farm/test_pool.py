"""The pool of worker processes: one tenant each, a spare for the next, never more than its limit."""

import asyncio
from itertools import count

import pytest

from woaas_solver_farm.farm.executor import WorkerLost
from woaas_solver_farm.farm.pool import Pool

pytestmark = pytest.mark.anyio


class Machine:
    """Processes by number, and which of them have ended."""

    def __init__(self, limit: int) -> None:
        self.numbers = count(1)
        self.ended: set[int] = set()
        self.is_broken = False
        self.pool: Pool[int] = Pool(start=self.start, is_alive=self.is_alive, end=self.ended.add, limit=limit)

    async def start(self) -> int:
        await asyncio.sleep(0)
        if self.is_broken:
            raise WorkerLost
        self.started = next(self.numbers)
        return self.started

    async def is_alive(self, number: int) -> bool:
        return number not in self.ended

    @property
    def running(self) -> int:
        return self.started - len(self.ended)


async def settled() -> None:
    """Let a spare come up."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_tenant_gets_its_own_process_again() -> None:
    pool = Machine(3).pool
    first = await pool.take("a")
    pool.give_back(first)
    assert await pool.take("a") is first


async def test_no_process_serves_two_tenants() -> None:
    machine = Machine(3)
    served: dict[int, set[str]] = {}
    for tenant in "abcabcaabbccabacbc":
        member = await machine.pool.take(tenant)
        served.setdefault(member.handle, set()).add(tenant)
        machine.pool.give_back(member)
        await settled()
        assert machine.running <= 3
    assert all(len(tenants) == 1 for tenants in served.values())


async def test_a_spare_waits_for_the_next_tenant() -> None:
    machine = Machine(3)
    machine.pool.give_back(await machine.pool.take("a"))
    await settled()
    spare = machine.started
    assert (await machine.pool.take("b")).handle == spare


async def test_the_one_idle_for_longest_makes_room_for_it() -> None:
    machine = Machine(2)
    first = await machine.pool.take("a")
    await settled()
    machine.pool.give_back(await machine.pool.take("b"))
    machine.pool.give_back(first)
    await settled()
    assert machine.running <= 2
    assert len(machine.ended) == 1


async def test_of_one_place_nothing_is_kept_for_others() -> None:
    machine = Machine(1)
    first = await machine.pool.take("a")
    machine.pool.give_back(first)
    await settled()
    assert machine.started == 1
    second = await machine.pool.take("b")
    assert machine.ended == {first.handle}
    assert second.handle == 2


async def test_a_dead_process_is_not_given_out() -> None:
    machine = Machine(3)
    first = await machine.pool.take("a")
    machine.pool.give_back(first)
    await settled()
    machine.ended |= {first.handle, machine.started}
    assert (await machine.pool.take("a")).handle == 3


async def test_a_lost_process_frees_its_place() -> None:
    machine = Machine(1)
    machine.pool.drop(await machine.pool.take("a"))
    assert (await machine.pool.take("a")).handle == 2
    assert machine.ended == {1}


async def test_without_a_spare_the_next_one_starts_its_own() -> None:
    machine = Machine(3)
    machine.is_broken = True
    with pytest.raises(WorkerLost):
        await machine.pool.take("a")
    machine.is_broken = False
    assert (await machine.pool.take("a")).handle == 1


async def test_without_room_to_keep_any_each_ends_with_its_solve() -> None:
    machine = Machine(0)
    for tenant in ("a", "a", "b"):
        machine.pool.give_back(await machine.pool.take(tenant))
    assert machine.ended == {1, 2, 3}
