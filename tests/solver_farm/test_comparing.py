"""Plans side by side, and the chains that make orders late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.planning import new_order, planned, plant, put
from httpx import AsyncClient

pytestmark = pytest.mark.anyio


def soon(minutes: float) -> str:
    """An instant so many minutes from now."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


async def colours(client: AsyncClient, *, by_tool: bool = False) -> list[dict[str, Any]]:
    """One machine and four orders that alternate between two colours: first come first served changes every time."""
    await put(client, "work-centers/m1", initial_setup_group="red")
    entries = [{"from_group": a, "to_group": b, "duration": "PT30M"} for a, b in (("red", "blue"), ("blue", "red"))]
    await put(client, "setup-matrices/colours", work_centers=["m1"], entries=entries)

    def paint(colour: str) -> list[dict[str, Any]]:
        by = {"tool": f"{colour}-can"} if by_tool else {"setup_group": colour}
        return [{"name": "Paint", "work_centers": ["m1"], "unit_time": "PT6M", **by}]

    return [await new_order(client, operations=paint(c)) for c in ("blue", "red", "blue", "red")]


class TestTheDoor:
    async def test_who_may_look(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client() as client, other.client() as stranger:
            await plant(client)
            await new_order(client)
            schedule = (await planned(world, client))["schedule_id"]
            for path in (f"/v1/schedules/{schedule}/compare?with=fifo", f"/v1/schedules/{schedule}/late-orders"):
                assert (await client.get(path)).status_code == 200
                assert (await stranger.get(path)).status_code == 404
                async with factory.client(key="woaas_live_x") as anybody:
                    assert (await anybody.get(path)).status_code == 401
            theirs = (await planned(world, stranger))["schedule_id"]
            path = f"/v1/schedules/{schedule}/compare"
            assert (await client.get(path, params={"with": theirs})).status_code == 404
            assert (await client.get(path, params={"with": "nothing"})).status_code == 404
            assert (await client.get(path)).status_code == 400

    async def test_a_role_without_orders_is_told_no_numbers(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client, due_at=soon(1))
            schedule = (await planned(world, client))["schedule_id"]
        async with factory.client(await factory.key("operator")) as operator:
            (late,) = (await operator.get(f"/v1/schedules/{schedule}/late-orders")).json()["data"]
            assert late["number"]
        async with factory.client(await factory.key("quality")) as quality:
            answer = await quality.get(f"/v1/schedules/{schedule}/late-orders")
        assert answer.status_code == 403


class TestBaselines:
    async def test_first_come_first_served_changes_over_each_time(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await colours(client)
            schedule = (await planned(world, client, policy="min_changeover", iterations=200))["schedule_id"]
            found = (await client.get(f"/v1/schedules/{schedule}/compare?with=fifo")).json()
        assert found["metrics"]["setup_time"] == {"value": 30, "other": 120, "change": -90}
        assert found["metrics"]["makespan"] == {"value": 270, "other": 360, "change": -90}
        assert found["utilisation"]["other"] > found["utilisation"]["value"] > 0
        assert found["moved_operations"] == 3
        assert [o["difference_minutes"] for o in found["orders"]] != []
        for order in found["orders"]:
            end, other = (datetime.fromisoformat(order[n]) for n in ("end_at", "other_end_at"))
            assert order["difference_minutes"] == (end - other) / timedelta(minutes=1)

    async def test_earliest_due_goes_first(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            orders = await colours(client)
            for i, order in enumerate(orders):
                answer = await client.patch(f"/v1/work-orders/{order['id']}", json={"due_at": soon(100 - 10 * i)})
                assert answer.status_code == 200
            run = await planned(world, client, policy="min_changeover", iterations=200)
            path = f"/v1/schedules/{run['schedule_id']}/compare"
            slots = (await client.get(f"/v1/schedules/{run['schedule_id']}/slots")).json()["data"]
            ends: dict[str, dict[str, str]] = {}
            for rule in ("edd", "fifo"):
                found = (await client.get(path, params={"with": rule})).json()
                ends[rule] = {s["work_order_id"]: s["end_at"] for s in slots}
                ends[rule] |= {o["work_order_id"]: o["other_end_at"] for o in found["orders"]}
        entered = [o["id"] for o in orders]
        assert sorted(entered, key=ends["fifo"].__getitem__) == entered
        assert sorted(entered, key=ends["edd"].__getitem__) == entered[::-1]

    async def test_two_plans_differ_by_what_moved(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await colours(client)
            first = (await planned(world, client, policy="min_changeover", iterations=200))["schedule_id"]
            more = await new_order(client, operations=[{"name": "Pack", "work_centers": ["m1"], "unit_time": "PT1M"}])
            second = (await planned(world, client, policy="min_changeover", iterations=200))["schedule_id"]
            found = (await client.get(f"/v1/schedules/{second}/compare", params={"with": first})).json()
            same = (await client.get(f"/v1/schedules/{second}/compare", params={"with": second})).json()
        (new,) = [o for o in found["orders"] if o["number"] == more["number"]]
        assert (new["other_end_at"], new["difference_minutes"]) == (None, None)
        assert found["moved_operations"] >= 1
        assert (same["moved_operations"], same["orders"]) == (0, [])
        assert all(figure["change"] == 0 for figure in same["metrics"].values())


class TestLateOrders:
    async def test_the_chain_goes_from_the_first_cause_to_the_end(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await put(client, "work-centers/m1")
            await put(client, "work-centers/m2")
            turn = [{"name": "Turn", "work_centers": ["m1"], "unit_time": "PT6M"}]
            wash = {"name": "Wash", "work_centers": ["m2"], "unit_time": "PT1M"}
            first = await new_order(client, operations=turn, priority=1, due_at=soon(75), earliest_start_at=soon(10))
            late = await new_order(client, operations=[*turn, wash], priority=5, due_at=soon(30))
            run = await planned(world, client, iterations=200)
            (found,) = (await client.get(f"/v1/schedules/{run['schedule_id']}/late-orders")).json()["data"]
        assert found["number"] == late["number"]
        end, due = (datetime.fromisoformat(found[n]) for n in ("end_at", "due_at"))
        assert found["lateness_minutes"] == round((end - due) / timedelta(minutes=1))
        chain = found["chain"]
        assert [(c["number"], c["name"]) for c in chain] == [
            (first["number"], "Turn"),
            (late["number"], "Turn"),
            (late["number"], "Wash"),
        ]
        assert chain[0]["reasons"] == ["release"]
        assert chain[1]["reasons"] == ["machine:m1"]
        assert chain[2]["reasons"][0].startswith("predecessor:")
        assert [c.get("cause_operation_id") for c in chain] == [None, *(c["operation_id"] for c in chain[:2])]
        assert (chain[-1]["end_at"], found["links_left_out"]) == (found["end_at"], 0)

    async def test_the_worst_come_first_in_pages(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await put(client, "work-centers/m1")
            turn = [{"name": "Turn", "work_centers": ["m1"], "unit_time": "PT6M"}]
            for minutes in (5, 15, 25):
                await new_order(client, operations=turn, due_at=soon(minutes))
            await new_order(client, operations=turn, due_at=soon(1000))
            path = f"/v1/schedules/{(await planned(world, client))['schedule_id']}/late-orders"
            whole = (await client.get(path)).json()["data"]
            seen, cursor = [], None
            while True:
                query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
                page = (await client.get(path, params=query)).json()
                seen += page["data"]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
        assert len(whole) == 3
        assert seen == whole
        lateness = [o["lateness_minutes"] for o in whole]
        assert lateness == sorted(lateness, reverse=True)


class TestTheMachineAsItStands:
    @pytest.mark.parametrize("by_tool", [False, True])
    async def test_a_plan_begins_with_the_set_up_of_the_last_operation(
        self, world: World, factory: Tenant, *, by_tool: bool
    ) -> None:
        async with factory.client() as client:
            for colour in ("red", "blue") if by_tool else ():
                await put(client, f"tools/{colour}-can", setup_group=colour)
            first, _, blue, _ = await colours(client, by_tool=by_tool)
            before = (await planned(world, client, policy="min_changeover", iterations=200))["metrics"]["setup_time"]
            assert before == 30
            operation = first["operations"][0]["id"]
            report = {"kind": "run", "good": "10", "work_center": "m1"}
            assert (await client.post(f"/v1/operations/{operation}/reports", json=report)).status_code == 201
            assert (await client.post(f"/v1/operations/{operation}/complete", json={})).status_code == 200
            # It was set up red and is blue now: what is left begins with blue, and one change brings the red ones.
            ended = await planned(world, client, policy="min_changeover", iterations=200)
            slots = (await client.get(f"/v1/schedules/{ended['schedule_id']}/slots?sort=start_at")).json()["data"]
        assert ended["metrics"]["setup_time"] == 30
        assert slots[0]["operation_id"] == blue["operations"][0]["id"]
        assert slots[0]["setup_start_at"] == slots[0]["start_at"]
