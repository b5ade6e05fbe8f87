"""Whose turn it is: shares between tenants in CPU seconds, order within one, the short lane, budgets and deadlines."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fixtures.app import Tenant, World
from fixtures.database import execute, fetch
from fixtures.farm import farm
from fixtures.scripted_worker import PROBLEM, ScriptedExecutor, die, feasible, finish, heed_the_stop

from woaas_core.clock import SystemClock
from woaas_core.ids import decode_id
from woaas_solver_farm.farm.tenants import inside
from woaas_solver_farm.schedules import queue
from woaas_solver_farm.schedules.outcome import record_end
from woaas_solver_farm.schedules.queue import Claim, Grant

pytestmark = pytest.mark.anyio

LONG = "PT60S"


def hours(n: float) -> datetime:
    return SystemClock().now() + timedelta(hours=n)


async def ask(tenant: Tenant, runs: int = 1, **more: Any) -> list[UUID]:
    """Queue plans that differ by seed; their ids."""
    found = []
    async with tenant.client() as client:
        for seed in range(runs):
            body = {"time_limit": LONG, "seed": seed, "iterations": 1, **more}
            answer = await client.post("/v1/schedule-runs", json=body)
            assert answer.status_code == 202, answer.text
            found.append(decode_id("run", answer.json()["id"]))
    return found


async def next_turn(world: World, *, longest: timedelta | None = None) -> Grant | None:
    """Claim as a dispatcher does."""
    async with world.db.unit_of_work() as uow:
        rows = await queue.claimable(uow, 1, longest=longest)
    for row in rows:
        async with inside(world.db, row["tenant_id"]) as uow:
            return await queue.claim(uow, row["run_id"], 60)
    return None


async def serve(world: World, cpu_s: dict[UUID, float]) -> UUID | None:
    """Solve the run whose turn it is, at its tenant's cost; whose it was."""
    grant = await next_turn(world)
    if grant is None:
        return None
    tenant: UUID = grant.run["tenant_id"]
    claim = Claim(tenant, grant.run["id"], grant.run["fence"])
    async with inside(world.db, tenant) as uow:
        assert await record_end(uow, claim, "failed", error="trial")
        await queue.settle(uow, claim, cpu_s=cpu_s[tenant], charged_s=grant.charged_s)
    return tenant


async def waiting(world: World, longest: timedelta | None = None) -> list[UUID]:
    async with world.db.unit_of_work() as uow:
        return [r["run_id"] for r in await queue.claimable(uow, 50, longest=longest)]


class TestBetweenTenants:
    async def test_a_hundred_runs_keep_nobody_waiting(self, world: World, factory: Tenant) -> None:
        small = [await world.tenant(f"Small {n}") for n in range(3)]
        await ask(factory, 20)
        costs = {t.id: 30.0 for t in (factory, *small)}
        assert await serve(world, costs) == factory.id
        for tenant in small:
            await ask(tenant)
        assert [await serve(world, costs) for _ in range(4)] == [*(t.id for t in small), factory.id]

    async def test_shares_are_cpu_seconds_and_not_runs(self, world: World, factory: Tenant) -> None:
        cheap = await world.tenant("Cheap")
        await ask(factory, 12)
        await ask(cheap, 12)
        costs = {factory.id: 80.0, cheap.id: 20.0}
        served = Counter([await serve(world, costs) for _ in range(10)])
        assert served[cheap.id] in (7, 8, 9)

    async def test_time_without_runs_saves_nothing_up(self, world: World, factory: Tenant) -> None:
        late = await world.tenant("Late")
        costs = {factory.id: 30.0, late.id: 30.0}
        await ask(late)
        await serve(world, costs)
        await ask(factory, 16)
        for _ in range(8):
            await serve(world, costs)
        await ask(late, 8)
        served = [await serve(world, costs) for _ in range(6)]
        assert served[0] == late.id
        assert Counter(served)[late.id] in (3, 4)

    async def test_what_a_run_did_not_use_is_given_back(self, world: World, factory: Tenant) -> None:
        await ask(factory)
        await serve(world, {factory.id: 1.5})
        query = (
            "SELECT spent_s - round_s, r.cpu_s, r.charged_s FROM solver_shares JOIN schedule_runs r USING (tenant_id)"
        )
        assert await asyncio.to_thread(fetch, world.settings.database_url, query) == [(1.5, 1.5, 1.5)]

    async def test_the_estimate_of_a_dead_process_is_no_debt(self, world: World, factory: Tenant) -> None:
        await ask(factory)
        assert (await next_turn(world)) is not None
        expire = "UPDATE schedule_runs SET lease_until = now() - interval '1 second', cpu_s = 5"
        await asyncio.to_thread(execute, world.settings.database_url, expire)
        again = await next_turn(world)
        assert again is not None
        assert again.charged_s == 65
        query = "SELECT spent_s FROM solver_shares"
        assert await asyncio.to_thread(fetch, world.settings.database_url, query) == [(65,)]

    async def test_no_more_run_at_once_than_the_plan_allows(self, world: World, factory: Tenant) -> None:
        await ask(factory, 3)
        (brief,) = await ask(factory, time_limit="PT5S", seed=9)
        for _ in range(2):
            assert (await next_turn(world)) is not None
        assert await waiting(world) == [brief]

    async def test_an_inquiry_has_a_queue_of_its_own(self, world: World, factory: Tenant) -> None:
        await ask(factory)
        await asyncio.to_thread(execute, world.settings.database_url, "UPDATE schedule_runs SET kind = 'inquiry'")
        assert await waiting(world) == []


class TestWithinATenant:
    async def test_priority_then_deadline_then_age(self, world: World, factory: Tenant) -> None:
        (old,) = await ask(factory)
        (late,) = await ask(factory, deadline=hours(9).isoformat())
        (soon,) = await ask(factory, deadline=hours(2).isoformat())
        (urgent,) = await ask(factory, priority=1, seed=7)
        assert await waiting(world) == [urgent, soon, late, old]


class TestTheShortLane:
    async def test_long_runs_never_take_it(self, world: World, factory: Tenant) -> None:
        others = [await world.tenant(f"Other {n}") for n in range(2)]
        for tenant in (factory, *others):
            await ask(tenant, 2)
        stop, executor = asyncio.Event(), ScriptedExecutor(heed_the_stop)
        working = asyncio.create_task(farm(world.db, executor, places=3).run(stop))
        async with factory.client() as client:
            while len(executor.tasks) < 2:  # noqa: ASYNC110 - the farm fills its slots
                await asyncio.sleep(0.01)
            executor.scripts.append(finish)
            place = (await client.post("/v1/solve", json={**PROBLEM, "limits": {"time_limit": 5}})).headers["location"]
            while (await client.get(place)).json()["status"] != "finished":  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.01)
        assert len(executor.tasks) == 3
        stop.set()
        await working


class TestBudgets:
    @pytest.mark.parametrize(("livemode", "granted"), [(True, "PT15M"), (False, "PT5M")])
    async def test_the_plan_caps_what_is_asked(self, world: World, livemode: bool, granted: str) -> None:
        tenant = await world.tenant("Any", livemode=livemode)
        async with tenant.client() as client:
            run = (await client.post("/v1/schedule-runs", json={"time_limit": "PT1H"})).json()
        assert (run["time_limit"], run["budget"]) == ("PT1H", granted)

    async def test_the_deadline_caps_it_too(self, world: World, factory: Tenant) -> None:
        (run_id,) = await ask(factory, time_limit="PT10M", deadline=hours(1 / 60).isoformat())
        grant = await next_turn(world)
        assert grant is not None
        assert grant.run["id"] == run_id
        assert 50 < grant.budget_s < 60

    async def test_cpu_seconds_count_over_all_threads(self, world: World, factory: Tenant) -> None:
        (run_id,) = await ask(factory, time_limit="PT15M")
        async with inside(world.db, factory.id) as uow:
            grant = await queue.claim(uow, run_id, 60, threads=8)
        assert grant is not None
        assert (grant.budget_s, grant.charged_s) == (225, 1800)

    async def test_the_worker_gets_what_was_granted(self, world: World, factory: Tenant) -> None:
        executor = ScriptedExecutor(finish)
        async with factory.client() as client:
            body = {**PROBLEM, "limits": {"time_limit": 3000, "iterations": 20}}
            place = (await client.post("/v1/solve", json=body)).headers["location"]
            await farm(world.db, executor).run_once()
            assert (await client.get(place)).json()["budget"] == "PT15M"
        assert executor.budgets == [900]

    async def test_a_deadline_in_the_past_is_refused(self, factory: Tenant) -> None:
        async with factory.client() as client:
            answer = await client.post("/v1/schedule-runs", json={"deadline": hours(-1).isoformat()})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/deadline"


class TestDeadlines:
    async def move_deadline(self, world: World, seconds: float) -> None:
        sql = f"UPDATE schedule_runs SET deadline = clock_timestamp() + make_interval(secs => {seconds})"
        await asyncio.to_thread(execute, world.settings.database_url, sql)

    async def test_at_its_deadline_a_run_ends_with_its_best_plan(self, world: World, factory: Tenant) -> None:
        executor = ScriptedExecutor(heed_the_stop)
        async with factory.client() as client:
            place = (await client.post("/v1/solve", json=PROBLEM)).headers["location"]
            await self.move_deadline(world, 2)
            working = asyncio.create_task(farm(world.db, executor).run_once())
            await feasible(client, place)
            await working
            run = (await client.get(place)).json()
        assert (run["status"], run["result"]["accepted"]) == ("finished", True)
        assert executor.tasks[0].stopped.is_set()

    async def test_past_it_without_a_plan_it_fails_and_takes_no_slot(self, world: World, factory: Tenant) -> None:
        executor = ScriptedExecutor(die)
        async with factory.client() as client:
            place = (await client.post("/v1/solve", json=PROBLEM)).headers["location"]
            await self.move_deadline(world, -1)
            run_id = decode_id("run", place.rpartition("/")[2])
            assert await waiting(world, timedelta(0)) == [run_id]
            await farm(world.db, executor).run_once()
            run = (await client.get(place)).json()
        assert (run["status"], executor.tasks) == ("failed", [])
        assert "deadline" in run["error"]

    async def test_a_stopped_run_never_begun_is_ended_without_building_it(self, world: World, factory: Tenant) -> None:
        """Its first farm went down between the claim and the problem."""
        (run_id,) = await ask(factory)
        async with inside(world.db, factory.id) as uow:
            assert await queue.claim(uow, run_id, 0) is not None
        async with factory.client() as client:
            (run,) = (await client.get("/v1/schedule-runs")).json()["data"]
            await client.post(f"/v1/schedule-runs/{run['id']}/stop")
            await farm(world.db, ScriptedExecutor(die)).run_once()
            assert (await client.get(f"/v1/schedule-runs/{run['id']}")).json()["status"] == "stopped"
        query = "SELECT problem IS NULL FROM schedule_runs"
        assert await asyncio.to_thread(fetch, world.settings.database_url, query) == [(True,)]
