"""The queue of runs: leases, fences, whose turn it is."""

import asyncio

import pytest
from fixtures.app import Tenant, World
from fixtures.database import fetch
from fixtures.farm import farm
from fixtures.planning import FAST

from woaas_core.ids import decode_id
from woaas_solver_farm.farm.tenants import inside
from woaas_solver_farm.schedules import queue
from woaas_solver_farm.schedules.outcome import record_end
from woaas_solver_farm.schedules.queue import Claim

pytestmark = pytest.mark.anyio


async def claimed(world: World, factory: Tenant, run: str, lease_s: float) -> Claim | None:
    async with inside(world.db, factory.id) as uow:
        grant = await queue.claim(uow, decode_id("run", run), lease_s)
    return Claim(grant.run["tenant_id"], grant.run["id"], grant.run["fence"]) if grant else None


class TestTheQueue:
    async def test_a_run_under_lease_is_nobody_elses(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            run = (await client.post("/v1/schedule-runs", json=FAST)).json()["id"]
        assert await claimed(world, factory, run, 60) is not None
        assert await claimed(world, factory, run, 60) is None
        assert await farm(world.db).run_once() == 0

    async def test_of_two_claimants_at_once_one_gets_it(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            run = (await client.post("/v1/schedule-runs", json=FAST)).json()["id"]
        got = await asyncio.gather(*(claimed(world, factory, run, 60) for _ in range(5)))
        assert len([c for c in got if c]) == 1

    async def test_after_the_lease_the_next_fence_alone_may_end_it(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            run = (await client.post("/v1/schedule-runs", json=FAST)).json()["id"]
            first = await claimed(world, factory, run, 0)
            second = await claimed(world, factory, run, 60)
            assert first is not None
            assert second is not None
            assert second.fence > first.fence
            for claim, expected in ((first, False), (second, True), (second, False)):
                async with inside(world.db, factory.id) as uow:
                    assert await queue.hold(uow, claim, 60, progress=0.5, cpu_s=1) is expected
                    assert await record_end(uow, claim, "failed", error="trial") is expected
            shown = (await client.get(f"/v1/schedule-runs/{run}")).json()
            assert (shown["status"], shown["attempt"]) == ("failed", 2)
            await world.settle(factory)
            assert len((await client.get("/v1/events?type=schedule_run.failed")).json()["data"]) == 1

    async def test_the_tenant_with_fewer_running_comes_first(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client() as client, other.client() as quiet:
            many = [(await client.post("/v1/schedule-runs", json={**FAST, "seed": s})).json()["id"] for s in range(3)]
            await quiet.post("/v1/schedule-runs", json=FAST)
        await claimed(world, factory, many[0], 60)
        async with world.db.unit_of_work() as uow:
            rows = await queue.claimable(uow, 10)
        assert [r["tenant_id"] for r in rows] == [other.id, factory.id, factory.id]

    async def test_a_run_may_wait_for_its_time(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await client.post("/v1/schedule-runs", json=FAST)
        later = "UPDATE schedule_runs SET not_before = now() + interval '1 hour' RETURNING 1"
        await asyncio.to_thread(fetch, world.settings.database_url, later)
        assert await farm(world.db).run_once() == 0
