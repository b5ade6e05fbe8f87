"""Attempts that go wrong: a worker or the process dies, somebody stops the run. In-process, with a scripted worker."""

import asyncio
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.farm import farm
from fixtures.scripted_worker import (
    PROBLEM,
    Script,
    ScriptedExecutor,
    cheat,
    die,
    fail,
    feasible,
    finish,
    heed_the_stop,
    ignore_the_stop,
    improve_then_die,
)

from woaas_solver_farm.farm.executor import Task

pytestmark = pytest.mark.anyio


async def take_over(world: World) -> None:
    """Solve a run whose lease has run out; while its holder looks at the row it is passed over."""
    while not await farm(world.db, ScriptedExecutor(finish)).run_once():  # noqa: ASYNC110 - the row is elsewhere
        await asyncio.sleep(0.01)


class TestAttempts:
    async def run(self, world: World, factory: Tenant, executor: ScriptedExecutor) -> dict[str, Any]:
        """Ask for a solve, let the farm work until nothing is due, and read it."""
        async with factory.client() as client:
            place = (await client.post("/v1/solve", json=PROBLEM)).headers["location"]
            await farm(world.db, executor).run_once()
            return dict((await client.get(place)).json())

    async def test_a_lost_worker_is_replaced_and_starts_from_the_best(self, world: World, factory: Tenant) -> None:
        executor = ScriptedExecutor(improve_then_die, finish)
        run = await self.run(world, factory, executor)
        assert (run["status"], run["attempt"]) == ("finished", 2)
        first, second = executor.tasks
        assert first.problem.warm_start == ()
        assert len(second.problem.warm_start) == 3

    async def test_after_five_losses_the_best_is_the_result(self, world: World, factory: Tenant) -> None:
        run = await self.run(world, factory, ScriptedExecutor(improve_then_die))
        assert (run["status"], run["attempt"], run["result"]["accepted"]) == ("finished", 5, True)

    async def test_after_five_losses_without_a_plan_it_fails(self, world: World, factory: Tenant) -> None:
        run = await self.run(world, factory, ScriptedExecutor(die))
        assert (run["status"], run["attempt"], run["result"]) == ("failed", 5, None)
        assert run["error"]

    async def test_what_the_engine_raises_is_not_tried_again(self, world: World, factory: Tenant) -> None:
        run = await self.run(world, factory, ScriptedExecutor(fail))
        assert (run["status"], run["attempt"]) == ("failed", 1)
        assert run["error"] == "ZeroDivisionError: too small"

    async def test_a_plan_the_checker_refuses_is_never_stored(self, world: World, factory: Tenant) -> None:
        run = await self.run(world, factory, ScriptedExecutor(cheat))
        assert (run["status"], run["result"]) == ("failed", None)


class TestStopping:
    @pytest.mark.parametrize("script", [heed_the_stop, ignore_the_stop])
    async def test_a_stopped_run_keeps_its_best_plan(self, world: World, factory: Tenant, script: Script) -> None:
        executor = ScriptedExecutor(script)
        async with factory.client() as client:
            place = (await client.post("/v1/solve", json=PROBLEM)).headers["location"]
            working = asyncio.create_task(farm(world.db, executor, grace_s=0.1).run_once())
            await feasible(client, place)
            await client.post(f"{place}/stop")
            await working
            run = (await client.get(place)).json()
        assert (run["status"], run["result"]["accepted"]) == ("stopped", True)


class SlowExecutor(ScriptedExecutor):
    """Takes longer to start a worker than a lease lasts."""

    async def start(self, task: Task) -> Any:
        await asyncio.sleep(1.5)
        return await super().start(task)


class TestLease:
    async def test_it_is_held_while_the_worker_starts(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            place = (await client.post("/v1/solve", json=PROBLEM)).headers["location"]
            executor = SlowExecutor(finish)
            attempt = asyncio.create_task(farm(world.db, executor, lease_s=0.5).run_once())
            rival = ScriptedExecutor(finish)
            while (await client.get(place)).json()["status"] == "queued":  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.01)
            while not attempt.done():
                await farm(world.db, rival).run_once()
                await asyncio.sleep(0.02)
            run = (await client.get(place)).json()
        assert (run["status"], run["attempt"], rival.tasks) == ("finished", 1, [])

    async def test_a_run_stopped_meanwhile_ends_without_a_wait(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            place = (await client.post("/v1/solve", json=PROBLEM)).headers["location"]
            attempt = asyncio.create_task(farm(world.db, SlowExecutor(heed_the_stop)).run_once())
            while (await client.get(place)).json()["status"] == "queued":  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.01)
            await client.post(f"{place}/stop")
            await attempt
            assert (await client.get(place)).json()["status"] == "stopped"

    async def test_who_lost_it_kills_its_worker(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            place = (await client.post("/v1/solve", json=PROBLEM)).headers["location"]
            slow = ScriptedExecutor(heed_the_stop)
            first = asyncio.create_task(farm(world.db, slow, lease_s=0).run_once())
            await feasible(client, place)
            await take_over(world)
            await slow.tasks[0].killed.wait()
            slow.tasks[0].stopped.set()
            await first


class TestGoingDown:
    async def test_a_process_told_to_end_puts_its_run_back(self, world: World, factory: Tenant) -> None:
        executor = ScriptedExecutor(heed_the_stop)
        stop = asyncio.Event()
        async with factory.client() as client:
            place = (await client.post("/v1/solve", json=PROBLEM)).headers["location"]
            working = asyncio.create_task(farm(world.db, executor).run(stop))
            await feasible(client, place)
            stop.set()
            await working
            assert (await client.get(place)).json()["status"] == "queued"
            assert executor.tasks[0].killed.is_set()
            await farm(world.db, ScriptedExecutor(finish)).run_once()
            assert (await client.get(place)).json()["status"] == "finished"

    async def test_a_process_that_lost_its_lease_writes_nothing(self, world: World, factory: Tenant) -> None:
        """Two farms on one run: the first is slow, its lease runs out, the second finishes."""
        slow = ScriptedExecutor(heed_the_stop)
        async with factory.client() as client:
            place = (await client.post("/v1/solve", json=PROBLEM)).headers["location"]
            first = asyncio.create_task(farm(world.db, slow, lease_s=0).run_once())
            await feasible(client, place)
            await take_over(world)
            before = (await client.get(place)).json()
            slow.tasks[0].stopped.set()
            await first
            assert (await client.get(place)).json() == before
            assert before["status"] == "finished"
            await world.settle(factory, only=())
            assert len((await client.get("/v1/events?type=schedule_run.finished")).json()["data"]) == 1
