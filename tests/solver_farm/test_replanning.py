"""Delays and breakdowns lead to one new plan."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.farm import farm
from httpx import AsyncClient

from woaas_solver_farm.handlers import READERS, is_due

pytestmark = pytest.mark.anyio


async def published(world: World, factory: Tenant, client: AsyncClient) -> str:
    """A factory that works by a plan; the id of its running operation."""
    await client.put("/v1/work-centers/m1", json={})
    await client.put("/v1/work-centers/m2", json={})
    steps = [{"name": "Turning", "work_centers": ["m1"], "unit_time": "PT1M"}]
    body = {"product": "P", "quantity": "10", "operations": steps, "release": True}
    order = (await client.post("/v1/work-orders", json=body)).json()
    run = (await client.post("/v1/schedule-runs", json={"iterations": 5})).json()
    await farm(world.db).run_once()
    schedule = (await client.get(f"/v1/schedule-runs/{run['id']}")).json()["schedule_id"]
    assert (await client.post(f"/v1/schedules/{schedule}/publish", json={})).status_code == 200
    await world.settle(factory, only=READERS)
    return str(order["operations"][0]["id"])


async def report(client: AsyncClient, operation: str, kind: str, hours: float) -> None:
    now = datetime.now(UTC)
    times = {"started_at": now.isoformat(), "ended_at": (now + timedelta(hours=hours)).isoformat()}
    answer = await client.post(f"/v1/operations/{operation}/reports", json={"kind": kind, **times})
    assert answer.status_code == 201, answer.text


async def requests(client: AsyncClient) -> list[dict[str, Any]]:
    return list((await client.get("/v1/events?type=schedule.replan_requested")).json()["data"])


class TestReplanning:
    async def test_three_late_reports_are_one_replan_and_more_join_it(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            operation = await published(world, factory, client)
            for late, expected in ((1, 0), (2, 0), (3, 1), (4, 1)):
                await report(client, operation, "run", 5)
                await world.settle(factory, only=READERS)
                assert len(await requests(client)) == expected, f"after {late} late reports"
            queued = (await client.get("/v1/schedule-runs?status=queued")).json()["data"]
        assert [r["priority"] for r in queued] == [2]

    async def test_a_report_in_time_is_no_cause(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            operation = await published(world, factory, client)
            for _ in range(4):
                await report(client, operation, "run", 0)
            await world.settle(factory, only=READERS)
            assert await requests(client) == []

    async def test_a_breakdown_is_at_once(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            operation = await published(world, factory, client)
            await report(client, operation, "breakdown", 0)
            await world.settle(factory, only=READERS)
            (event,) = await requests(client)
        assert [c["kind"] for c in event["data"]["causes"]] == ["breakdown"]

    async def test_only_a_work_center_the_plan_counts_on_matters(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await published(world, factory, client)
            for code, expected in (("m2", 0), ("m1", 1)):
                await client.put(f"/v1/work-centers/{code}", json={"state": "down"})
                await world.settle(factory, only=READERS)
                assert len(await requests(client)) == expected, code

    async def test_without_a_plan_nothing_is_late(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            steps = [{"name": "Turning", "unit_time": "PT1M"}]
            body = {"product": "P", "quantity": "1", "operations": steps, "release": True}
            order = (await client.post("/v1/work-orders", json=body)).json()
            await world.settle(factory, only=READERS)
            await report(client, order["operations"][0]["id"], "breakdown", 0)
            await world.settle(factory, only=READERS)
            assert await requests(client) == []


@pytest.mark.parametrize(
    ("kinds", "due"),
    [(["overrun"], False), (["overrun"] * 3, True), (["overrun", "down"], True), (["breakdown"], True)],
)
async def test_what_is_worth_a_new_plan(kinds: list[str], due: bool) -> None:
    assert is_due([{"kind": k} for k in kinds]) is due
