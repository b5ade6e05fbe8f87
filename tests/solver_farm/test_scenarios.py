"""What-ifs over the live plant: planned, compared, and never in force."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.database import fetch
from fixtures.planning import FAST, new_order, planned, plant, put
from httpx import AsyncClient

pytestmark = pytest.mark.anyio

TURN = [{"name": "Turn", "work_centers": ["m1"], "unit_time": "PT6M"}]


async def what_if(world: World, client: AsyncClient, code: str, **changes: Any) -> dict[str, Any]:
    """The ended run of a scenario."""
    await put(client, f"scenarios/{code}", changes=changes)
    run = await planned(world, client, scenario=code, iterations=100)
    assert run["status"] == "finished", run
    return run


async def slots_of(client: AsyncClient, run: dict[str, Any]) -> list[dict[str, Any]]:
    return list((await client.get(f"/v1/schedules/{run['schedule_id']}/slots?limit=200")).json()["data"])


class TestTheDoor:
    async def test_who_may_see_and_change_them(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client(key="woaas_live_x") as client:
            assert (await client.get("/v1/scenarios")).status_code == 401
        async with factory.client() as client, other.client() as stranger:
            await put(client, "scenarios/more", changes={})
            assert (await stranger.get("/v1/scenarios/more")).status_code == 404
            assert (await stranger.get("/v1/scenarios")).json()["data"] == []
            assert (await stranger.post("/v1/schedule-runs", json={"scenario": "more"})).status_code == 422
        async with factory.client(await factory.key("operator")) as operator:
            assert (await operator.get("/v1/scenarios")).status_code == 403

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"changes": {"weather": "fine"}},
            {"changes": {"orders": [{"work_order": "WO-1", "quantity": "0"}]}},
            {"changes": {"work_centers": [{"code": "m1"}, {"code": "m1"}]}},
            {"changes": {"added": [{"work_order": {"product": "P"}}]}},
            {"changes": {"release": {"rhythm": "PT0S"}}},
        ],
    )
    async def test_what_makes_no_sense_is_refused(self, factory: Tenant, body: dict[str, Any]) -> None:
        async with factory.client() as client:
            assert (await client.put("/v1/scenarios/odd", json=body)).status_code == 422

    @pytest.mark.parametrize(
        ("changes", "missing"),
        [
            ({"removed": ["WO-404"]}, "WO-404"),
            ({"work_centers": [{"code": "m9"}]}, "m9"),
            ({"work_centers": [{"code": "m9", "like": "m404"}]}, "m404"),
            ({"calendars": [{"code": "never"}]}, "never"),
        ],
    )
    async def test_what_is_not_there_is_said_when_it_is_planned(
        self, factory: Tenant, changes: dict[str, Any], missing: str
    ) -> None:
        async with factory.client() as client:
            await plant(client)
            await put(client, "scenarios/odd", changes=changes)
            answer = await client.post("/v1/schedule-runs", json={"scenario": "odd"})
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/scenario")
            assert answer.json()["detail"].endswith(f"{missing!r}.")

    async def test_the_same_scenario_is_one_run_until_it_changes(self, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await put(client, "scenarios/more", changes={"release": {"delay": "P1D"}})
            body = {**FAST, "scenario": "more"}
            first, again = [(await client.post("/v1/schedule-runs", json=body)).json() for _ in range(2)]
            plain = (await client.post("/v1/schedule-runs", json=FAST)).json()
            await put(client, "scenarios/more", changes={"release": {"delay": "P2D"}})
            later = (await client.post("/v1/schedule-runs", json=body)).json()
        assert first["id"] == again["id"]
        assert len({first["id"], plain["id"], later["id"]}) == 3
        assert (first["scenario_version"], later["scenario_version"], plain["scenario"]) == (1, 2, None)
        assert first["scenario"].startswith("scn_")


class TestApart:
    async def test_nothing_live_is_touched(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            order = await new_order(client, due_at=(datetime.now(UTC) + timedelta(minutes=1)).isoformat())
            await new_order(client, operations=[{"name": "Coat", "sourcing": "outsource"}])
            before = (await client.get("/v1/work-orders")).json()
            run = await what_if(world, client, "slow", release={"delay": "P1D"})
            schedule = (await client.get(f"/v1/schedules/{run['schedule_id']}")).json()
            assert (schedule["state"], schedule["scenario"]) == ("scenario", run["scenario"])
            assert schedule["overflow"]
            for path in ("publish", f"slots/{(await slots_of(client, run))[0]['id']}/pin"):
                answer = await client.post(f"/v1/schedules/{schedule['id']}/{path}", json={})
                assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
            refused = await client.post("/v1/schedule-runs", json={"baseline_schedule_id": schedule["id"]})
            assert refused.status_code == 422
            assert (await client.get("/v1/work-orders")).json() == before
            await world.settle(factory)
            types = {e["type"] for e in (await client.get("/v1/events?limit=200")).json()["data"]}
            assert (await client.get(f"/v1/work-orders/{order['id']}")).json()["plan_status"] == "unplanned"
        assert types.isdisjoint({"schedule.proposed", "schedule_run.overflowed", "operation.planned"})
        assert "scenario.planned" in types

    async def test_the_database_lets_no_scenario_be_in_force(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await what_if(world, client, "same")
        with pytest.raises(Exception, match="scenario_binds_nobody"):
            await asyncio.to_thread(fetch, world.settings.database_url, "UPDATE schedules SET state = 'published'")


class TestChanges:
    async def test_a_machine_more_shares_the_work(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await put(client, "work-centers/m1")
            for _ in range(4):
                await new_order(client, operations=TURN)
            live = await planned(world, client, policy="throughput", iterations=100)
            await put(client, "scenarios/twin", changes={"work_centers": [{"code": "m2", "like": "m1"}]})
            twin = await planned(world, client, scenario="twin", policy="throughput", iterations=100)
            assert {s["work_center"] for s in await slots_of(client, twin)} == {"m1", "m2"}
            path = f"/v1/schedules/{twin['schedule_id']}/compare"
            found = (await client.get(path, params={"with": live["schedule_id"]})).json()
        assert found["metrics"]["makespan"] == {"value": 120, "other": 240, "change": -120}
        assert found["utilisation"]["change"] < 0

    async def test_a_closed_machine_gets_nothing(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            run = await what_if(world, client, "closed", work_centers=[{"code": "m1", "state": "down"}])
            assert {s["work_center"] for s in await slots_of(client, run)} == {"m2"}

    async def test_orders_come_go_and_change(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await put(client, "work-centers/m1")
            kept, gone = [await new_order(client, operations=TURN) for _ in range(2)]
            early, late = ((datetime.now(UTC) + timedelta(minutes=m)).isoformat() for m in (1, 9999))
            changes: dict[str, Any] = {
                "removed": [gone["number"]],
                "orders": [{"work_order": kept["id"], "due_at": early, "quantity": "20"}],
                "added": [
                    {"work_order": {"product": "N", "quantity": "1", "operations": TURN, "due_at": late}, "count": 3}
                ],
            }
            run = await what_if(world, client, "other", **changes)
            again = await planned(world, client, scenario="other", seed=2)
            slots = await slots_of(client, run)
            gantt = (await client.get(f"/v1/schedules/{run['schedule_id']}/gantt")).json()
            (overdue,) = (await client.get(f"/v1/schedules/{run['schedule_id']}/late-orders")).json()["data"]
            same = {s["operation_id"] for s in await slots_of(client, again)}
        orders = [s["work_order_id"] for s in slots]
        assert (len(orders), kept["id"] in orders, gone["id"] in orders) == (4, True, False)
        (whole,) = [s for s in slots if s["work_order_id"] == kept["id"]]
        length = datetime.fromisoformat(whole["end_at"]) - datetime.fromisoformat(whole["start_at"])
        assert length == timedelta(minutes=120)
        assert overdue["number"] == kept["number"]
        assert len(gantt["rows"][0]["bars"]) == 4
        assert same == {s["operation_id"] for s in slots}

    async def test_another_rhythm_of_release(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await put(client, "work-centers/m1")
            for _ in range(4):
                await new_order(client, operations=TURN)
            start = datetime(2027, 3, 1, 8, tzinfo=UTC)
            await put(client, "scenarios/beat", changes={"release": {"every": "PT8H", "orders": 2}})
            run = await planned(world, client, scenario="beat", start_at=start.isoformat(), iterations=100)
            starts = sorted(datetime.fromisoformat(s["start_at"]) for s in await slots_of(client, run))
        assert [(at - start) // timedelta(hours=8) for at in starts] == [0, 0, 1, 1]

    async def test_weekly_and_daily_release_are_compared_in_one_call(self, world: World, factory: Tenant) -> None:
        start = datetime(2027, 3, 1, 8, tzinfo=UTC)
        async with factory.client() as client:
            await put(client, "work-centers/m1")
            for hours in (0, 30, 50):
                at = start + timedelta(hours=hours)
                due = (at + timedelta(days=2)).isoformat()
                await new_order(client, operations=TURN, earliest_start_at=at.isoformat(), due_at=due)
            before = (await client.get("/v1/work-orders")).json()
            runs: dict[str, Any] = {}
            for code, rhythm in (("daily", "P1D"), ("weekly", "P7D")):
                await put(client, f"scenarios/{code}", changes={"release": {"rhythm": rhythm}})
                runs[code] = await planned(world, client, scenario=code, start_at=start.isoformat(), iterations=100)
            starts = {
                code: sorted(datetime.fromisoformat(s["start_at"]) - start for s in await slots_of(client, run))
                for code, run in runs.items()
            }
            path = f"/v1/schedules/{runs['weekly']['schedule_id']}/compare"
            found = (await client.get(path, params={"with": runs["daily"]["schedule_id"]})).json()
            assert (await client.get("/v1/work-orders")).json() == before, "the live plan knows nothing of it"
        day = timedelta(days=1)
        assert starts["daily"] == [0 * day, 2 * day, 3 * day]
        assert starts["weekly"] == [0 * day, 7 * day, 7 * day + timedelta(hours=1)]
        assert (found["metrics"]["late_orders"]["value"], found["metrics"]["late_orders"]["other"]) == (2, 0)
        assert {"setup_time", "weighted_tardiness"} <= found["metrics"].keys()
        assert found["utilisation"].keys() == {"value", "other", "change"}

    async def test_an_extra_shift(self, world: World, factory: Tenant) -> None:
        day = [{"day": d, "start": "08:00", "end": "10:00"} for d in ("mon", "tue")]
        async with factory.client() as client:
            await put(client, "calendars/day", time_zone="UTC", weekly=day)
            await put(client, "work-centers/m1", calendar="day")
            for _ in range(3):
                await new_order(client, operations=TURN)
            start = datetime(2027, 3, 1, 8, tzinfo=UTC).isoformat()
            live = await planned(world, client, start_at=start, iterations=100)
            night = {"day": "mon", "start": "20:00", "end": "22:00"}
            await put(client, "scenarios/night", changes={"calendars": [{"code": "day", "shifts": [night]}]})
            run = await planned(world, client, scenario="night", start_at=start, iterations=100)
            last = [max(s["end_at"] for s in await slots_of(client, r)) for r in (live, run)]
        assert last == ["2027-03-02T09:00:00Z", "2027-03-01T21:00:00Z"]
