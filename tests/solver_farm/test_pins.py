"""Pins: places that the next plan keeps."""

from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.planning import new_order, planned, plant, put
from httpx import AsyncClient

pytestmark = pytest.mark.anyio


async def slots_of(client: AsyncClient, schedule: str) -> dict[str, dict[str, Any]]:
    """The places of a plan by operation."""
    data = (await client.get(f"/v1/schedules/{schedule}/slots?limit=200")).json()["data"]
    return {s["operation_id"]: s for s in data}


async def published(world: World, client: AsyncClient, **params: Any) -> str:
    """A plan in force that freezes nothing."""
    schedule = str((await planned(world, client, frozen="PT0S", **params))["schedule_id"])
    assert (await client.post(f"/v1/schedules/{schedule}/publish", json={})).status_code == 200
    return schedule


def place(slot: dict[str, Any]) -> tuple[object, ...]:
    return slot["work_center"], slot["start_at"], slot["end_at"]


class TestTheDoor:
    async def test_who_may_pin(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client() as client, other.client() as stranger:
            await plant(client)
            await new_order(client)
            schedule = await published(world, client)
            slot = next(iter((await slots_of(client, schedule)).values()))["id"]
            path = f"/v1/schedules/{schedule}/slots/{slot}/pin"
            assert (await stranger.post(path, json={})).status_code == 404
            async with factory.client(key="woaas_live_x") as anybody:
                assert (await anybody.post(path, json={})).status_code == 401
            async with factory.client(await factory.key("operator")) as operator:
                assert (await operator.post(path, json={})).status_code == 403
            missing = f"/v1/schedules/{schedule}/slots/slt_01kapxk0000000000000000000/pin"
            assert (await client.post(missing, json={})).status_code == 404

    async def test_pinning_is_told_once_and_undone(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            schedule = await published(world, client)
            slot = next(iter((await slots_of(client, schedule)).values()))
            path = f"/v1/schedules/{schedule}/slots/{slot['id']}"
            for verb, pinned in (("pin", True), ("pin", True), ("unpin", False)):
                answer = await client.post(f"{path}/{verb}", json={"reason": "The customer watches"})
                assert (answer.status_code, answer.json()["pinned"]) == (200, pinned)
            await world.settle(factory)
            events = (await client.get("/v1/events?limit=200")).json()["data"]
        told = [e for e in events if e["type"].startswith("slot.")]
        assert [e["type"] for e in told] == ["slot.pinned", "slot.unpinned"]
        assert told[0]["data"]["operation_id"] == slot["operation_id"]

    async def test_a_superseded_plan_takes_no_pins(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            old = await published(world, client)
            slot = next(iter((await slots_of(client, old)).values()))["id"]
            await published(world, client, seed=2)
            answer = await client.post(f"/v1/schedules/{old}/slots/{slot}/pin", json={})
            assert (answer.status_code, answer.json()["state"]) == (409, "superseded")


class TestPlanning:
    async def test_a_pin_holds_against_an_urgent_order_and_lives_on(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await put(client, "work-centers/m1")
            steps = [{"name": "Turn", "work_centers": ["m1"], "unit_time": "PT6M"}]
            first, second = [await new_order(client, operations=steps) for _ in range(2)]
            schedule = await published(world, client)
            slots = await slots_of(client, schedule)
            # The later of the two: free, it would be planned again wherever the urgent order leaves room.
            kept = max((slots[o["operations"][0]["id"]] for o in (first, second)), key=lambda s: str(s["start_at"]))
            await client.post(f"/v1/schedules/{schedule}/slots/{kept['id']}/pin", json={})
            for _ in range(3):
                await new_order(client, operations=steps, priority=1)
                schedule = await published(world, client)
                now = (await slots_of(client, schedule))[kept["operation_id"]]
                assert (place(now), now["pinned"], now["reasons"]) == (place(kept), True, ["pinned"])

    async def test_the_steps_before_a_pin_are_planned_to_end_in_time(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            order = await new_order(client)
            turning, washing = (o["id"] for o in order["operations"])
            schedule = await published(world, client)
            slots = await slots_of(client, schedule)
            await client.post(f"/v1/schedules/{schedule}/slots/{slots[washing]['id']}/pin", json={})
            other = "m2" if slots[turning]["work_center"] == "m1" else "m1"
            await client.patch(f"/v1/operations/{turning}", json={"work_centers": [other]})
            after = await slots_of(client, await published(world, client))
        assert place(after[washing]) == place(slots[washing])
        assert after[turning]["work_center"] == other
        assert after[turning]["end_at"] <= after[washing]["start_at"]

    async def test_a_pin_that_cannot_hold_says_so(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            steps = [{"name": "Turn", "work_centers": ["m1", "m2"], "unit_time": "PT6M"}]
            operation = (await new_order(client, operations=steps))["operations"][0]["id"]
            schedule = await published(world, client)
            slot = (await slots_of(client, schedule))[operation]
            await client.post(f"/v1/schedules/{schedule}/slots/{slot['id']}/pin", json={})
            await put(client, f"work-centers/{slot['work_center']}", state="down")
            after = (await slots_of(client, await published(world, client)))[operation]
        assert after["work_center"] != slot["work_center"]
        assert (after["pinned"], after["reasons"][0]) == (False, "pin_lost:work_center")

    async def test_pinning_makes_the_same_request_another_run(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            schedule = await published(world, client)
            slot = next(iter((await slots_of(client, schedule)).values()))["id"]
            before = (await client.post("/v1/schedule-runs", json={"frozen": "PT0S"})).json()["id"]
            assert (await client.post("/v1/schedule-runs", json={"frozen": "PT0S"})).json()["id"] == before
            await client.post(f"/v1/schedules/{schedule}/slots/{slot}/pin", json={})
            assert (await client.post("/v1/schedule-runs", json={"frozen": "PT0S"})).json()["id"] != before
