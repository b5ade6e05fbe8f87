"""Promises and moves through the API, answered by the short lane in this process."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.entries import BY_HAND
from fixtures.inquiries import TOMORROW, answering, at, new_order, order, plant, promised, published
from fixtures.planning import put
from httpx import AsyncClient

from woaas_solver_farm.farm.lane import Lane
from woaas_solver_farm.farm.tenants import inside

pytestmark = pytest.mark.anyio


class TestPromises:
    async def test_without_a_key_nothing(self, factory: Tenant) -> None:
        async with factory.client(key="woaas_live_x") as client:
            for method, path in (("POST", "promises"), ("GET", "promises"), ("GET", "promises/prm_x")):
                assert (await client.request(method, f"/v1/{path}", json={})).status_code == 401

    async def test_an_operator_may_not_ask(self, factory: Tenant) -> None:
        async with factory.client(await factory.key("operator")) as client:
            answer = await client.post("/v1/promises", json={"work_order": order()})
            assert answer.status_code == 403

    async def test_an_order_is_promised_where_the_plan_has_room(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client, answering(world):
            await plant(client)
            await new_order(client)
            await published(world, client)
            promise = await promised(client, due_at=(TOMORROW + timedelta(days=2)).isoformat())
            # The lathe is taken for two hours; then two of its own and half an hour of washing.
            assert at(promise["promised_at"]) == TOMORROW + timedelta(hours=4, minutes=30)
            assert (promise["state"], promise["impacted"], promise["refusal"]) == ("offered", [], None)
            assert promise["quote"]["cost"] == {"amount": "130.00", "currency": "CNY"}
            assert [p["sequence"] for p in promise["places"]] == [10, 20]
            assert promise["confidence"] == 0.5
            again = await promised(client)
            assert again["promised_at"] == promise["promised_at"], "an inquiry holds nothing"
            assert (await client.get(f"/v1/promises/{promise['id']}")).json()["id"] == promise["id"]

    async def test_another_tenant_does_not_see_it(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client() as client, other.client() as stranger, answering(world):
            await plant(client)
            promise = await promised(client)
            assert (await stranger.get(f"/v1/promises/{promise['id']}")).status_code == 404
            assert (await stranger.post(f"/v1/promises/{promise['id']}/release")).status_code == 404
            assert (await stranger.get("/v1/promises")).json()["data"] == []

    async def test_fields_of_the_order_stay_masked(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client, answering(world):
            await plant(client)
            promise = await promised(client, customer="ACME")
        async with factory.client(await factory.key("auditor")) as client:
            shown = (await client.get(f"/v1/promises/{promise['id']}")).json()
        assert shown["work_order"] is None
        assert "ACME" not in str(shown)
        assert all("operator" not in place for place in shown["places"])

    async def test_two_processes_never_give_the_same_capacity_twice(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            async with answering(world), answering(world):
                # Each lane has read the plan before the other reserves.
                await asyncio.gather(*(promised(client) for _ in range(6)))
                promises = await asyncio.gather(*(promised(client, "reserve") for _ in range(6)))
        assert {promise["state"] for promise in promises} == {"reserved"}
        turns = sorted(at(p["places"][0]["start_at"]) for p in promises)
        assert [turn - turns[0] for turn in turns] == [timedelta(hours=2 * n) for n in range(6)]

    async def test_a_reservation_is_taken_until_it_is_given_back(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client, answering(world):
            await plant(client)
            first = await promised(client, "reserve")
            second = await promised(client)
            assert first["state"] == "reserved"
            assert at(first["expires_at"]) > datetime.now(UTC) + timedelta(hours=47)
            assert at(second["promised_at"]) == at(first["promised_at"]) + timedelta(hours=2)
            released = await client.post(f"/v1/promises/{first['id']}/release", headers={"If-Match": "*"})
            assert released.json()["state"] == "released"
            await world.settle(factory)
            third = await promised(client)
            assert third["promised_at"] == first["promised_at"]

    async def test_a_plan_is_made_around_a_reservation(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client, answering(world):
            await plant(client)
            held = await promised(client, "reserve")
            entered = await new_order(client)
            schedule_id = await published(world, client)
            slots = (await client.get(f"/v1/schedules/{schedule_id}/slots?sort=start_at")).json()["data"]
        mine = [s for s in slots if s["work_order_id"] == entered["id"]]
        assert len(slots) == len(mine) == 2
        lathe = held["places"][0]
        assert at(mine[0]["end_at"]) <= at(lathe["start_at"]) or at(mine[0]["start_at"]) >= at(lathe["end_at"])

    async def test_an_order_takes_its_reservation_over(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client, answering(world):
            await plant(client)
            held = await promised(client, "reserve")
            await new_order(client)
            entered = await new_order(client, promise_id=held["id"])
            assert (entered["promise_id"], entered["promised_at"]) == (held["id"], held["promised_at"])
            taken = (await client.get(f"/v1/promises/{held['id']}")).json()
            assert (taken["state"], taken["work_order_id"]) == ("taken", entered["id"])
            schedule_id = await published(world, client)
            slots = (await client.get(f"/v1/schedules/{schedule_id}/slots?work_order_id={entered['id']}")).json()
            assert max(at(s["end_at"]) for s in slots["data"]) == at(held["promised_at"])
            twice = await client.post("/v1/work-orders", json=order(promise_id=held["id"]))
            assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (422, "/promise_id")
            assert (await client.post(f"/v1/promises/{held['id']}/release")).status_code == 409

    async def test_a_reservation_runs_out(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client, answering(world):
            await plant(client)
            held = await promised(client, "reserve")
            async with world.db.unit_of_work() as uow:
                principal = await world.authenticator.as_system(uow, factory.id, "worker")
                await uow.connection.execute(f"{BY_HAND}; UPDATE promises SET expires_at = now() - interval '1 minute'")
                from woaas_work_orders.promises import service

                assert await service.expire_due(uow, principal) == 1
            assert (await client.get(f"/v1/promises/{held['id']}")).json()["state"] == "expired"
            late = await client.post("/v1/work-orders", json=order(promise_id=held["id"]))
            assert (late.status_code, late.json()["code"]) == (410, "expired")
            await world.settle(factory)
            assert (await promised(client))["promised_at"] == held["promised_at"]

    async def test_a_rush_tells_whom_it_would_push(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client, answering(world):
            await plant(client)
            pushed = await new_order(client, due_at=(TOMORROW + timedelta(hours=3)).isoformat(), priority=5)
            await published(world, client)
            rush = await promised(client, priority=1, due_at=(TOMORROW + timedelta(hours=3)).isoformat())
            assert at(rush["promised_at"]) == TOMORROW + timedelta(hours=2, minutes=30)
            (impact,) = rush["impacted"]
            assert impact["work_order_id"] == pushed["id"]
            assert at(impact["end_at"]) == at(impact["planned_end_at"]) + timedelta(hours=2)
            assert (impact["became_late"], impact["operations_moved"]) == (True, 2)

    async def test_nobody_able_is_a_refusal(self, world: World, factory: Tenant) -> None:
        step = {"name": "Coating", "work_centers": ["nowhere"], "unit_time": "PT1M", "sourcing": "either"}
        async with factory.client() as client, answering(world):
            await plant(client)
            promise = await promised(client, operations=[step])
            nothing = await promised(client, operations=[])
        assert (promise["state"], promise["refusal"]) == ("infeasible", "no_capable_resource")
        assert promise["quote"] == {"cost": None, "outsource": [10]}
        assert nothing["refusal"] == "no_operations"

    async def test_material_dates_and_skills_count(self, world: World, factory: Tenant) -> None:
        there = TOMORROW + timedelta(days=3)
        step = {
            "name": "Turning", "work_centers": ["lathe"], "unit_time": "PT1M", "skills": ["turning"],
            "materials": [{"material": "BAR", "quantity": "10"}],
        }  # fmt: skip
        async with factory.client() as client, answering(world):
            await plant(client)
            await put(client, "material-lots/L1", material="BAR", quantity="10", available_at=there.isoformat())
            await world.settle(factory)
            nobody = await promised(client, operations=[step])
            assert nobody["refusal"] == "no_room"
            await put(client, "operators/LI", name="Li", qualifications=[{"skill": "turning"}])
            await world.settle(factory)
            somebody = await promised(client, operations=[step])
            assert at(somebody["promised_at"]) == there + timedelta(minutes=10)
            assert somebody["places"][0]["operator"] == "LI"
            short = await promised(client, operations=[step], quantity="1", product="Q")
            assert short["refusal"] is None
            step["materials"] = [{"material": "BAR", "quantity": "11"}]
            assert (await promised(client, operations=[step]))["refusal"] == "material_short:BAR"

    async def test_without_a_planner_it_is_accepted_and_answered_later(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            answer = await client.post("/v1/promises", json={"work_order": order()}, headers={"Idempotency-Key": "k"})
            accepted = answer.json()
            assert (answer.status_code, accepted["status"], accepted["state"]) == (202, "queued", "pending")
            assert await Lane(world.db).run_once() == 1
            found = await client.get(answer.headers["location"])
            assert found.json()["state"] == "offered"
            again = await client.post("/v1/promises", json={"work_order": order()}, headers={"Idempotency-Key": "k"})
            assert (again.status_code, again.json()["id"]) == (202, accepted["id"])

    async def test_repeating_a_question_repeats_its_answer(self, world: World, factory: Tenant) -> None:
        key = {"Idempotency-Key": "same"}
        async with factory.client() as client, answering(world):
            await plant(client)
            first = await client.post("/v1/promises", json={"work_order": order()}, headers=key)
            again = await client.post("/v1/promises", json={"work_order": order()}, headers=key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        assert again.headers["idempotent-replayed"] == "true"

    async def test_every_step_is_an_entry(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client, answering(world):
            await plant(client)
            held = await promised(client, "reserve")
            await client.post(f"/v1/promises/{held['id']}/release")
        async with inside(world.db, factory.id) as uow:
            rows = await uow.connection.fetch("SELECT type FROM event WHERE subject = $1 ORDER BY id", held["id"])
        assert [r["type"] for r in rows] == ["promise.requested", "promise.reserved", "promise.released"]


class TestMoves:
    async def test_without_a_key_nothing(self, factory: Tenant) -> None:
        async with factory.client(key="woaas_live_x") as client:
            assert (await client.post("/v1/schedules/sch_x/moves", json={})).status_code == 401

    async def test_a_dry_run_says_what_would_come_of_it(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client, answering(world):
            schedule_id, first, second = await two_planned(world, client)
            answer = await client.post(
                f"/v1/schedules/{schedule_id}/moves?dry_run=true",
                json={"operation_id": second["operation_id"], "work_center": "lathe", "start_at": first["start_at"]},
            )
            move = answer.json()
            assert (answer.status_code, move["feasible"], move["refusal"]) == (200, True, None), answer.text
            assert move["operation"]["start_at"] == first["start_at"]
            assert first["operation_id"] in {m["operation_id"] for m in move["moved"]}
            # The order moved forward still waits for its washing; only the pushed one ends later.
            assert [i["work_order_id"] for i in move["impacted"]] == [first["work_order_id"]]
            assert move["delta"]["changes"] >= 2
            assert "schedule_id" not in move
            assert len((await client.get("/v1/schedules")).json()["data"]) == 1

    async def test_a_move_makes_a_new_plan_with_a_pin(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client, answering(world):
            schedule_id, first, second = await two_planned(world, client)
            tag = (await client.get(f"/v1/schedules/{schedule_id}")).headers["etag"]
            body = {"operation_id": second["operation_id"], "work_center": "lathe", "start_at": first["start_at"]}
            answer = await client.post(f"/v1/schedules/{schedule_id}/moves", json=body, headers={"If-Match": tag})
            assert answer.status_code == 201, answer.text
            made = (await client.get(answer.headers["location"])).json()
            assert (made["state"], made["version"]) == ("proposed", 1)
            slots = await slots_of(client, made["id"])
            moved = slots[second["operation_id"]]
            assert (moved["start_at"], moved["pinned"]) == (first["start_at"], True)
            assert slots[first["operation_id"]]["start_at"] >= moved["end_at"]
            assert (await client.get(f"/v1/schedules/{schedule_id}")).json()["state"] == "published"
            back = {**body, "start_at": second["start_at"]}
            again = await client.post(f"/v1/schedules/{made['id']}/moves", json=back)
            assert again.status_code == 201, again.text
            assert (await client.get(f"/v1/schedules/{made['id']}")).json()["state"] == "superseded"
            stale = await client.post(f"/v1/schedules/{schedule_id}/moves", json=body, headers={"If-Match": '"old"'})
            assert (stale.status_code, stale.json()["code"]) == (412, "stale_etag")
            gone = await client.post(f"/v1/schedules/{made['id']}/moves?dry_run=true", json=body)
            assert (gone.status_code, gone.json()["code"]) == (409, "invalid_transition")

    async def test_what_cannot_be_is_refused_with_its_reason(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client, answering(world):
            schedule_id, first, _ = await two_planned(world, client)
            path = f"/v1/schedules/{schedule_id}/moves"
            body = {"operation_id": first["operation_id"], "work_center": "washer", "start_at": first["start_at"]}
            dry = (await client.post(f"{path}?dry_run=true", json=body)).json()
            assert (dry["feasible"], dry["refusal"]) == (False, "wrong_machine")
            real = await client.post(path, json=body)
            assert (real.status_code, real.json()["code"], real.json()["refusal"]) == (
                409,
                "infeasible",
                "wrong_machine",
            )
            early = {**body, "work_center": "lathe", "start_at": datetime.now(UTC).isoformat()}
            assert (await client.post(f"{path}?dry_run=true", json=early)).json()["refusal"] == "in_frozen_window"
            unknown = await client.post(path, json={**body, "operation_id": "op_nothing"})
            assert unknown.json()["errors"][0]["pointer"] == "/operation_id"

    async def test_others_do_not_move(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        body = {"operation_id": "op_x", "work_center": "lathe", "start_at": TOMORROW.isoformat()}
        async with factory.client() as client, other.client() as stranger, answering(world):
            schedule_id, first, _ = await two_planned(world, client)
            path = f"/v1/schedules/{schedule_id}/moves"
            assert (await stranger.post(path, json=body)).status_code == 404
            async with factory.client(await factory.key("supervisor")) as supervisor:
                body["operation_id"] = first["operation_id"]
                assert (await supervisor.post(path, json=body)).status_code == 403


async def two_planned(world: World, client: AsyncClient) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A published plan of two orders; its id, and their slots on the lathe in order."""
    await plant(client)
    await new_order(client)
    await new_order(client)
    schedule_id = await published(world, client)
    slots = [s for s in (await slots_of(client, schedule_id)).values() if s["work_center"] == "lathe"]
    first, second = sorted(slots, key=lambda s: s["start_at"])
    return schedule_id, first, second


async def slots_of(client: AsyncClient, schedule_id: str) -> dict[str, dict[str, Any]]:
    found = await client.get(f"/v1/schedules/{schedule_id}/slots")
    return {s["operation_id"]: s for s in found.json()["data"]}
