"""The short lane itself: what it keeps in memory, and whose claim a question is."""

import asyncio
from datetime import timedelta

import pytest
from fixtures.app import Tenant, World
from fixtures.farm import farm
from fixtures.inquiries import answering, at, new_order, order, plant, promised, published
from fixtures.planning import put

from woaas_core.ids import decode_id
from woaas_solver_farm.farm.lane import Lane
from woaas_solver_farm.farm.tenants import inside
from woaas_solver_farm.schedules import queue

pytestmark = pytest.mark.anyio


async def test_a_plan_is_read_once_and_kept_true(world: World, factory: Tenant) -> None:
    async with factory.client() as client, answering(world) as lane:
        await plant(client)
        entered = await new_order(client)
        await published(world, client)
        await world.settle(factory)
        first = await promised(client)
        kept = await lane.plans.current(factory.id, None)
        await promised(client)
        assert await lane.plans.current(factory.id, None) is kept
        # An operation that is over frees its place at once.
        for operation in entered["operations"]:
            for command in ("start", "complete"):
                done = await client.post(f"/v1/operations/{operation['id']}/{command}", json={})
                assert done.status_code == 200, done.text
        await world.settle(factory)
        freed = await promised(client)
        assert await lane.plans.current(factory.id, None) is kept
        assert at(freed["promised_at"]) == at(first["promised_at"]) - timedelta(hours=2)
        # A machine that goes down means another plan.
        await put(client, "work-centers/lathe", name="Lathe", state="down")
        await world.settle(factory)
        assert (await promised(client))["refusal"] == "no_capable_resource"


async def test_a_lost_claim_is_answered_by_the_next(world: World, factory: Tenant) -> None:
    async with factory.client() as client:
        await plant(client)
        asked = await client.post("/v1/promises", json={"work_order": order()})
        run_id = decode_id("run", asked.json()["run_id"])
        async with inside(world.db, factory.id) as uow:
            assert await queue.claim_inquiry(uow, run_id, 0.0) is not None
        assert await farm(world.db).run_once() == 0, "no business of the dispatcher's"
        assert await Lane(world.db).run_once() == 1
        assert (await client.get(asked.headers["location"])).json()["state"] == "offered"


async def test_a_published_plan_is_read_before_anybody_asks(world: World, factory: Tenant) -> None:
    async with factory.client() as client, answering(world) as lane:
        await plant(client)
        await new_order(client)
        schedule_id = await published(world, client)
        async with asyncio.timeout(60):
            while (factory.id, decode_id("sch", schedule_id)) not in lane.plans:  # noqa: ASYNC110 - it has no bell
                await asyncio.sleep(0.02)
