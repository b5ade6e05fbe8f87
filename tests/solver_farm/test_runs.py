"""Runs from request to published plan, through the API and a farm in this process."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from fixtures.app import Tenant, World
from fixtures.database import fetch
from fixtures.farm import farm
from fixtures.planning import FAST, new_order, planned, plant, put

pytestmark = pytest.mark.anyio


class TestRequesting:
    async def test_without_a_key_nothing(self, world: World, factory: Tenant) -> None:
        async with factory.client(key="woaas_live_x") as client:
            for method, path in (("POST", "schedule-runs"), ("GET", "schedules"), ("POST", "solve")):
                assert (await client.request(method, f"/v1/{path}", json={})).status_code == 401

    async def test_a_run_is_accepted_with_its_place(self, factory: Tenant) -> None:
        async with factory.client() as client:
            answer = await client.post("/v1/schedule-runs", json={})
            run = answer.json()
            assert answer.status_code == 202
            assert answer.headers["location"] == f"/v1/schedule-runs/{run['id']}"
            assert (run["status"], run["policy"], run["horizon"]) == ("queued", "on_time", "P14D")

    async def test_the_same_run_twice_is_one(self, factory: Tenant) -> None:
        async with factory.client() as client:
            first = (await client.post("/v1/schedule-runs", json=FAST)).json()
            again = (await client.post("/v1/schedule-runs", json=FAST)).json()
            other = (await client.post("/v1/schedule-runs", json={**FAST, "seed": 2})).json()
            await new_order(client)
            later = (await client.post("/v1/schedule-runs", json=FAST)).json()
        assert first["id"] == again["id"]
        assert len({first["id"], other["id"], later["id"]}) == 3

    async def test_another_tenant_does_not_see_it(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client() as client, other.client() as stranger:
            run = (await client.post("/v1/schedule-runs", json={})).json()
            assert (await stranger.get(f"/v1/schedule-runs/{run['id']}")).status_code == 404
            assert (await stranger.post(f"/v1/schedule-runs/{run['id']}/stop")).status_code == 404
            assert (await stranger.get("/v1/schedule-runs")).json()["data"] == []

    async def test_an_operator_may_neither_plan_nor_publish(self, factory: Tenant) -> None:
        async with factory.client(await factory.key("operator")) as client:
            assert (await client.post("/v1/schedule-runs", json={})).status_code == 403
            unknown = "/v1/schedules/sch_01kapxk0000000000000000000/publish"
            assert (await client.post(unknown, json={})).status_code == 403

    @pytest.mark.parametrize(
        "body",
        [
            {"policy": "fastest"},
            {"horizon": "P9Y"},
            {"horizon": "PT0S"},
            {"time_limit": "P1D"},
            {"weights": {"makespan": 0}},
            {"baseline_schedule_id": "sch_nothing"},
            {"scenario": "summer"},
            {"work_orders": ["WO-404"]},
            {"colour": 1},
        ],
    )
    async def test_what_makes_no_sense_is_refused(self, factory: Tenant, body: dict[str, Any]) -> None:
        async with factory.client() as client:
            assert (await client.post("/v1/schedule-runs", json=body)).status_code == 422

    async def test_a_run_stopped_before_it_began_ends_at_once(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            run = (await client.post("/v1/schedule-runs", json={})).json()
            stopped = await client.post(f"/v1/schedule-runs/{run['id']}/stop")
            assert stopped.status_code == 202
            assert (stopped.json()["status"], stopped.json()["schedule_id"]) == ("stopped", None)
        assert await farm(world.db).run_once() == 0


class TestPlanning:
    async def test_open_orders_get_places_that_fit_together(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            orders = [await new_order(client) for _ in range(3)]
            run = await planned(world, client)
            assert (run["status"], run["progress"]) == ("finished", 1)
            assert run["metrics"]["late_orders"] == 0
            assert run["incumbents"]
            slots = (await client.get(f"/v1/schedules/{run['schedule_id']}/slots?limit=200")).json()["data"]
            assert {s["operation_id"] for s in slots} == {o["id"] for wo in orders for o in wo["operations"]}
            assert all(s["reasons"] for s in slots)
            for wo in orders:
                turning, washing = (next(s for s in slots if s["operation_id"] == o["id"]) for o in wo["operations"])
                assert turning["setup_start_at"] < turning["start_at"] < turning["end_at"] <= washing["start_at"]
            shown = (await client.get(f"/v1/work-orders/{orders[0]['id']}")).json()
            assert shown["plan_status"] == "proposed"

    async def test_the_database_refuses_places_that_overlap(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            await planned(world, client)
        twice = (
            "INSERT INTO slots SELECT tenant_id, gen_random_uuid(), schedule_id, gen_random_uuid(), work_order_id, "
            "work_center, operator, setup_start_at, start_at, end_at, outsourced, pinned, given, reasons FROM slots"
        )
        with pytest.raises(Exception, match="ex_slots_overlap"):
            await asyncio.to_thread(fetch, world.settings.database_url, twice)

    async def test_work_nobody_can_do_overflows(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            outside = [{"name": "Coating", "sourcing": "outsource"}]
            order = await new_order(client, operations=outside)
            run = await planned(world, client)
            schedule = (await client.get(f"/v1/schedules/{run['schedule_id']}")).json()
            operation_id = order["operations"][0]["id"]
            assert [(o["operation_id"], o["reason"]) for o in schedule["overflow"]] == [
                (operation_id, "no_capable_resource")
            ]
            assert (await client.get(f"/v1/work-orders/{order['id']}")).json()["plan_status"] == "overflow"
            await world.settle(factory)
            events = (await client.get("/v1/events?type=schedule_run.overflowed")).json()["data"]
            assert [e["data"]["operation_ids"] for e in events] == [[operation_id]]

    async def test_work_that_ends_too_late_is_placed_and_overflows(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            order = await new_order(client, due_at=datetime.now(UTC).isoformat())
            run = await planned(world, client)
            assert run["metrics"]["late_orders"] == 1
            slots = (await client.get(f"/v1/schedules/{run['schedule_id']}/slots")).json()["data"]
            assert len(slots) == 2
            assert (await client.get(f"/v1/work-orders/{order['id']}")).json()["plan_status"] == "overflow"

    async def test_weights_take_the_place_of_the_policys(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            run = await planned(world, client, weights={"makespan": 1000, "flow_time": 0, "setup_time": 0})
            assert run["objective"] == 1000 * run["metrics"]["makespan"]

    async def test_without_work_the_plan_is_empty(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            run = await planned(world, client)
            assert run["status"] == "finished"
            assert (await client.get(f"/v1/schedules/{run['schedule_id']}/slots")).json()["data"] == []

    async def test_planning_one_order_keeps_the_places_of_the_others(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            kept = await new_order(client)
            first = await planned(world, client)
            await client.post(f"/v1/schedules/{first['schedule_id']}/publish", json={})
            rush = await new_order(client, priority=1)
            second = await planned(world, client, work_orders=[rush["number"]], frozen="PT0S")
            before = (await client.get(f"/v1/schedules/{first['schedule_id']}/slots")).json()["data"]
            after = (await client.get(f"/v1/schedules/{second['schedule_id']}/slots")).json()["data"]
        place = {s["operation_id"]: (s["work_center"], s["start_at"]) for s in after}
        assert {s["operation_id"] for s in before} == {o["id"] for o in kept["operations"]}
        assert all(place[s["operation_id"]] == (s["work_center"], s["start_at"]) for s in before)
        assert len(after) == 4


class TestPublishing:
    async def test_places_reach_the_operations_and_the_audit(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            order = await new_order(client)
            run = await planned(world, client, frozen="PT0S")
            published = await client.post(f"/v1/schedules/{run['schedule_id']}/publish", json={"reason": "Monday"})
            assert published.json()["state"] == "published"
            shown = (await client.get(f"/v1/work-orders/{order['id']}")).json()
            assert shown["plan_status"] in ("published", "frozen")
            slots = (await client.get(f"/v1/schedules/{run['schedule_id']}/slots")).json()["data"]
            by_operation = {s["operation_id"]: s for s in slots}
            for operation in shown["operations"]:
                slot = by_operation[operation["id"]]
                assert operation["planned_work_center"] == slot["work_center"]
                assert operation["planned_start_at"] == slot["start_at"]
                assert operation["version"] > 1
            await world.settle(factory)
            types = [e["type"] for e in (await client.get("/v1/events?limit=200")).json()["data"]]
            assert types.count("schedule.published") == 1
            assert types.count("operation.planned") == 2

    async def test_the_plan_before_is_superseded_and_cannot_return(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            first = (await planned(world, client))["schedule_id"]
            second = (await planned(world, client, seed=2))["schedule_id"]
            await client.post(f"/v1/schedules/{first}/publish", json={})
            await client.post(f"/v1/schedules/{second}/publish", json={})
            assert (await client.get(f"/v1/schedules/{first}")).json()["state"] == "superseded"
            again = await client.post(f"/v1/schedules/{first}/publish", json={})
            assert (again.status_code, again.json()["code"]) == (409, "invalid_transition")
            assert len((await client.get("/v1/schedules?state=published")).json()["data"]) == 1

    async def test_what_the_new_plan_cannot_place_loses_its_place(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            steps = [{"name": "Turning", "work_centers": ["m1"], "unit_time": "PT3M"}]
            order = await new_order(client, operations=steps)
            first = (await planned(world, client))["schedule_id"]
            await client.post(f"/v1/schedules/{first}/publish", json={})
            await put(client, "work-centers/m1", state="down")
            second = (await planned(world, client))["schedule_id"]
            await client.post(f"/v1/schedules/{second}/publish", json={})
            shown = (await client.get(f"/v1/work-orders/{order['id']}")).json()
        (operation,) = shown["operations"]
        assert (shown["plan_status"], operation["plan_status"]) == ("overflow", "overflow")
        assert (operation["planned_work_center"], operation["planned_start_at"]) == (None, None)

    async def test_publishing_twice_changes_nothing(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            schedule = (await planned(world, client))["schedule_id"]
            first = (await client.post(f"/v1/schedules/{schedule}/publish", json={})).json()
            again = await client.post(f"/v1/schedules/{schedule}/publish", json={})
            assert again.json() == first
            assert "woaas-event-id" not in again.headers

    async def test_two_at_once_leave_one_in_force(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            schedules = [(await planned(world, client, seed=s))["schedule_id"] for s in (1, 2, 3)]
            answers = await asyncio.gather(*(client.post(f"/v1/schedules/{s}/publish", json={}) for s in schedules))
            assert [a.status_code for a in answers] == [200, 200, 200]
            states = [s["state"] for s in (await client.get("/v1/schedules")).json()["data"]]
        assert sorted(states) == ["published", "superseded", "superseded"]

    async def test_the_frozen_window_survives_the_next_plan(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            # Later than now, so that the place does not slip into the past between the two plans.
            begin = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
            order = await new_order(client, earliest_start_at=begin)
            first = (await planned(world, client))["schedule_id"]
            await client.post(f"/v1/schedules/{first}/publish", json={})
            assert (await client.get(f"/v1/work-orders/{order['id']}")).json()["plan_status"] == "frozen"
            await new_order(client, priority=1)
            second = (await planned(world, client, policy="throughput"))["schedule_id"]
            before = (await client.get(f"/v1/schedules/{first}/slots")).json()["data"]
            after = (await client.get(f"/v1/schedules/{second}/slots")).json()["data"]
        place = {s["operation_id"]: s for s in after}
        assert all(place[s["operation_id"]]["start_at"] == s["start_at"] for s in before)
        assert all(place[s["operation_id"]]["reasons"] == ["frozen"] for s in before)

    async def test_the_chart_shows_planned_beside_actual(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            order = await new_order(client)
            schedule = (await planned(world, client))["schedule_id"]
            turning = order["operations"][0]["id"]
            await client.post(f"/v1/operations/{turning}/start", json={"work_center": "m1"})
            chart = (await client.get(f"/v1/schedules/{schedule}/gantt")).json()
        bars = {(b["kind"], b["operation_id"]): row["work_center"] for row in chart["rows"] for b in row["bars"]}
        assert bars["actual", turning] == "m1"
        assert len([kind for kind, _ in bars if kind == "planned"]) == 2
        assert {b["number"] for row in chart["rows"] for b in row["bars"]} == {order["number"]}


PROBLEM: dict[str, Any] = {
    "machines": [{"id": "M"}],
    "jobs": [
        {"id": f"J{i}", "operations": [{"id": "a", "modes": [{"machine": "M", "duration": 3}]}]} for i in range(3)
    ],
    "objective": {"terms": [{"metric": "makespan"}]},
    "limits": {"iterations": 20},
}


class TestPrivateSolves:
    async def test_the_result_comes_back(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            accepted = await client.post("/v1/solve", json=PROBLEM)
            assert (accepted.status_code, accepted.json()["result"]) == (202, None)
            await farm(world.db).run_once()
            run = (await client.get(accepted.headers["location"])).json()
            assert (run["kind"], run["status"], run["objective"]) == ("solve", "finished", 9)
            assert run["result"]["accepted"] is True
            assert {a["job"] for a in run["result"]["assignments"]} == {"J0", "J1", "J2"}
            assert (await client.get("/v1/schedule-runs")).json()["data"] == []

    async def test_only_its_requester_sees_it(self, factory: Tenant) -> None:
        async with factory.client() as client, factory.client(await factory.key("owner")) as other:
            place = (await client.post("/v1/solve", json=PROBLEM)).headers["location"]
            assert (await client.get(place)).status_code == 200
            assert (await other.get(place)).status_code == 404
            assert (await other.get(place.replace("solve", "schedule-runs"))).status_code == 404

    async def test_a_faulty_problem_names_the_place(self, factory: Tenant) -> None:
        body = {
            **PROBLEM,
            "jobs": [{"id": "J", "operations": [{"id": "a", "modes": [{"machine": "X", "duration": 1}]}]}],
        }
        async with factory.client() as client:
            answer = await client.post("/v1/solve", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/jobs/0/operations/0/modes/0/machine"


class TestFollowing:
    async def test_the_stream_ends_with_the_run(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            run = (await client.post("/v1/schedule-runs", json=FAST)).json()
            await farm(world.db).run_once()
            answer = await client.get(f"/v1/schedule-runs/{run['id']}/events")
        assert answer.headers["content-type"].startswith("text/event-stream")
        state, kind, data = answer.text.strip().split("\n")
        assert state.startswith("id: ")
        assert kind == "event: ended"
        assert msgspec.json.decode(data.removeprefix("data: "))["status"] == "finished"

    async def test_each_change_is_told_at_once_and_once(self, world: World, factory: Tenant) -> None:
        """The looks without word are further apart than this waits."""
        async with factory.client() as client:
            run = (await client.post("/v1/schedule-runs", json=FAST)).json()
            following = asyncio.create_task(client.get(f"/v1/schedule-runs/{run['id']}/events"))
            await asyncio.sleep(0.1)
            async with asyncio.timeout(60):
                await farm(world.db).run_once()
                answer = await following
        messages = [dict(line.split(": ", 1) for line in m.split("\n")) for m in answer.text.strip().split("\n\n")]
        assert [m["event"] for m in messages] == ["progress"] * (len(messages) - 1) + ["ended"]
        assert "solving" in [msgspec.json.decode(m["data"])["status"] for m in messages]
        assert len({m["id"] for m in messages}) == len(messages)

    async def test_who_comes_back_hears_nothing_twice(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            run = (await client.post("/v1/schedule-runs", json=FAST)).json()
            place = f"/v1/schedule-runs/{run['id']}/events"
            await farm(world.db).run_once()
            seen = (await client.get(place)).text.split("\n")[0].removeprefix("id: ")
            again = await client.get(place, headers={"Last-Event-ID": seen})
            older = await client.get(place, headers={"Last-Event-ID": "0" * 16})
        assert (again.status_code, again.text) == (204, "")
        assert older.text.startswith(f"id: {seen}\nevent: ended\n")

    async def test_an_unknown_run_is_no_stream(self, factory: Tenant) -> None:
        async with factory.client() as client:
            answer = await client.get("/v1/schedule-runs/run_nothing/events")
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")
