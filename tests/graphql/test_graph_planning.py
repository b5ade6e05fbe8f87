"""Questions to the planner, proposals, forecasts, duration models and alerts in the graph, with REST's masks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.graph import ask, data, refusal
from fixtures.planning import new_order, planned, plant
from fixtures.proposals import broken_down

from woaas_solver_farm.farm.lane import Lane

pytestmark = pytest.mark.anyio

PROMISE = """mutation ($input: NewPromiseInput!) { promiseCreate(input: $input) { id state workOrder } }"""
READ_PROMISE = """query ($id: ID!) { promise(id: $id) {
  state promisedAt confidence impacted places workOrder etag } }"""
RELEASE = "mutation ($id: ID!, $t: String) { promiseRelease(id: $id, ifMatch: $t) { state } }"
MOVE = """mutation ($id: ID!, $input: MoveInput!) { scheduleMove(id: $id, input: $input) { id status feasible } }"""
READ_MOVE = "query ($id: ID!) { move(id: $id) { status feasible refusal operation moved delta scheduleId } }"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)


def work_order() -> dict[str, Any]:
    steps = [{"name": "Turning", "workCenters": ["m1"], "unitTime": "PT12M"}]
    return {"product": "P", "quantity": "10", "customer": "ACME", "operations": steps}


class TestPromises:
    async def test_one_is_asked_read_reserved_and_given_back(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
        asked = (await data(factory, PROMISE, input={"workOrder": work_order(), "mode": "reserve"}))["promiseCreate"]
        assert asked["state"] == "pending"
        assert await Lane(world.db).run_once() == 1
        promise = (await data(factory, READ_PROMISE, id=asked["id"]))["promise"]
        async with factory.client() as client:
            rest = await client.get(f"/v1/promises/{asked['id']}")
        assert promise["etag"] == rest.headers["etag"]
        assert (promise["state"], promise["promisedAt"]) == ("reserved", rest.json()["promised_at"])
        assert promise["places"] == rest.json()["places"]
        listed = await data(factory, '{ promises(filter: {state: {eq: "reserved"}}) { edges { node { id } } } }')
        assert [e["node"]["id"] for e in listed["promises"]["edges"]] == [asked["id"]]
        stale = await refusal(factory, RELEASE, id=asked["id"], t='"x"')
        assert (stale["code"], stale["status"]) == ("stale_etag", 412)
        released = await data(factory, RELEASE, id=asked["id"], t=promise["etag"])
        assert released["promiseRelease"]["state"] == "released"

    async def test_masks_are_rest_s(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        asked = (await data(factory, PROMISE, input={"workOrder": work_order()}))["promiseCreate"]
        auditor = await ask(factory, READ_PROMISE, await factory.key("auditor"), id=asked["id"])
        assert auditor["data"]["promise"]["workOrder"] is None
        assert "ACME" not in str(auditor)
        assert (await refusal(other, READ_PROMISE, id=asked["id"]))["status"] == 404
        operator = await refusal(factory, PROMISE, await factory.key("operator"), input={"workOrder": work_order()})
        assert (operator["code"], operator["status"]) == ("forbidden", 403)

    async def test_a_key_for_a_part_of_the_tenant_asks_nothing(self, world: World, factory: Tenant) -> None:
        """Whom a rush or a move would push are orders of the whole tenant."""
        async with factory.client() as client:
            await plant(client)
            order = await new_order(client, site="NORTH")
            plan = (await planned(world, client))["schedule_id"]
            body = {"name": "k", "roles": ["planner"], "scope": {"sites": ["SOUTH"]}}
            key = (await client.post("/v1/api-keys", json=body)).json()["secret"]
        rush = {"workOrder": {**work_order(), "priority": 1, "site": "SOUTH"}}
        move = {"operation_id": order["operations"][0]["id"], "work_center": "m1", "start_at": TOMORROW.isoformat()}
        assert (await refusal(factory, PROMISE, key, input=rush))["status"] == 403
        asked = (await data(factory, PROMISE, input=rush))["promiseCreate"]
        assert (await refusal(factory, READ_PROMISE, key, id=asked["id"]))["status"] == 403
        async with factory.client(key) as client:
            for path in (f"promises/{asked['id']}", "promises", "proposals", "alerts", f"schedules/{plan}/late-orders"):
                assert (await client.get(f"/v1/{path}")).status_code == 403, path
            new = {"work_order": {"product": "P", "quantity": "1", "site": "SOUTH"}}
            assert (await client.post("/v1/promises", json=new)).status_code == 403
            for dry_run in ("true", "false"):
                path = f"/v1/schedules/{plan}/moves?dry_run={dry_run}"
                assert (await client.post(path, json=move)).status_code == 403


class TestMoves:
    async def test_a_move_is_asked_and_then_made(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            order = await new_order(client, earliest_start_at=TOMORROW.isoformat())
            run = await planned(world, client, frozen="PT0S")
        step = order["operations"][0]["id"]
        where = {"operationId": step, "workCenter": "m2", "startAt": (TOMORROW + timedelta(hours=3)).isoformat()}
        lane = Lane(world.db)
        asked = (await data(factory, MOVE, id=run["schedule_id"], input={**where, "dryRun": True}))["scheduleMove"]
        assert (asked["status"], asked["feasible"]) == ("queued", None)
        await lane.run_once()
        answer = (await data(factory, READ_MOVE, id=asked["id"]))["move"]
        assert (answer["status"], answer["feasible"], answer["refusal"]) == ("finished", True, None)
        assert (answer["operation"]["work_center"], answer["scheduleId"]) == ("m2", None)
        made = (await data(factory, MOVE, id=run["schedule_id"], input=where))["scheduleMove"]
        await lane.run_once()
        answer = (await data(factory, READ_MOVE, id=made["id"]))["move"]
        async with factory.client() as client:
            slots = (await client.get(f"/v1/schedules/{answer['scheduleId']}/slots")).json()["data"]
        assert [s["pinned"] for s in slots if s["operation_id"] == step] == [True]
        operator = await refusal(factory, MOVE, await factory.key("operator"), id=answer["scheduleId"], input=where)
        assert operator["code"] == "forbidden"

    async def test_a_run_of_the_planner_is_no_move(self, factory: Tenant) -> None:
        async with factory.client() as client:
            run = (await client.post("/v1/schedule-runs", json={})).json()
        assert (await refusal(factory, READ_MOVE, id=run["id"]))["status"] == 404


class TestProposals:
    async def test_one_is_read_and_accepted_and_its_alert_closes(self, world: World, factory: Tenant) -> None:
        query = """{
          proposals(first: 3, filter: {state: {eq: "open"}}) { edges { node {
            id etag responseTime completedOrders changes { oldWorkCenter newWorkCenter operation { id } }
            orders { workOrderId oldEndAt newEndAt }
          } } }
          alerts(first: 3, filter: {kind: {eq: "proposal_waiting"}}) { edges { node {
            id subject state responseTime
          } } }
        }"""
        async with factory.client() as client:
            await broken_down(world, factory, client)
            (listed,) = (await client.get("/v1/proposals")).json()["data"]
            rest = await client.get(f"/v1/proposals/{listed['id']}")
        found = await data(factory, query)
        (proposal,) = (e["node"] for e in found["proposals"]["edges"])
        assert (proposal["id"], proposal["etag"]) == (listed["id"], rest.headers["etag"])
        assert [c["newWorkCenter"] for c in proposal["changes"]] == [
            c["new_work_center"] for c in rest.json()["changes"]
        ]
        assert [c["operation"]["id"] for c in proposal["changes"]] == [
            c["operation_id"] for c in rest.json()["changes"]
        ]
        assert [o["newEndAt"] for o in proposal["orders"]] == [o["new_end_at"] for o in rest.json()["orders"]]
        (alert,) = (e["node"] for e in found["alerts"]["edges"])
        assert (alert["subject"], alert["state"]) == (proposal["id"], "open")
        assert alert["responseTime"] == proposal["responseTime"]
        seen = await data(factory, "mutation ($id: ID!) { alertAcknowledge(id: $id) { state } }", id=alert["id"])
        assert seen["alertAcknowledge"]["state"] == "acknowledged"
        accept = "mutation ($id: ID!, $t: String) { proposalAccept(id: $id, ifMatch: $t) { state } }"
        assert (await refusal(factory, accept, id=proposal["id"], t='"x"'))["code"] == "stale_etag"
        operator = await refusal(factory, accept, await factory.key("operator"), id=proposal["id"])
        assert operator["code"] == "forbidden"
        done = await data(factory, accept, id=proposal["id"], t=proposal["etag"])
        assert done["proposalAccept"]["state"] == "accepted"
        late = 'mutation ($id: ID!) { proposalReject(id: $id, input: {reason: "no"}) { state } }'
        assert (await refusal(factory, late, id=proposal["id"]))["code"] == "invalid_transition"
        await world.settle(factory)
        found = await data(factory, query)
        assert [e["node"]["state"] for e in found["alerts"]["edges"]] == ["closed"]


class TestForecasts:
    async def test_one_is_entered_and_called_off(self, factory: Tenant) -> None:
        create = """mutation ($input: NewForecastInput!) { forecastCreate(input: $input) {
          id status method buckets { product quantity consumed workOrder { number state } } } }"""
        bucket = {"product": "P", "quantity": "350", "startAt": TOMORROW.isoformat(),
                  "endAt": (TOMORROW + timedelta(days=7)).isoformat()}  # fmt: skip
        made = (await data(factory, create, input={"buckets": [bucket]}))["forecastCreate"]
        assert (made["status"], made["method"]) == ("finished", "given")
        (found,) = made["buckets"]
        assert (found["quantity"], found["consumed"], found["workOrder"]["state"]) == ("350", "0", "forecast")
        cancel = 'mutation ($id: ID!) { forecastCancel(id: $id, input: {reason: "no"}) { buckets { state } } }'
        done = await data(factory, cancel, id=made["id"])
        assert done["forecastCancel"]["buckets"] == [{"state": "cancelled"}]
        both = await refusal(factory, create, input={"buckets": [bucket], "method": "auto"})
        assert (both["code"], both["errors"][0]["pointer"]) == ("invalid", "/buckets")


class TestDurationModels:
    async def test_one_is_queued_and_commands_are_rest_s(self, factory: Tenant) -> None:
        train = "mutation { durationModelCreate(input: {quantile: 0.8}) { id status state quantile modelVersion } }"
        made = (await data(factory, train))["durationModelCreate"]
        assert (made["status"], made["state"], made["quantile"]) == ("queued", "untrained", 0.8)
        for command in ("Promote", "Rollback", "Retire"):
            wrong = f"mutation ($id: ID!) {{ durationModel{command}(id: $id) {{ state }} }}"
            assert (await refusal(factory, wrong, id=made["id"]))["code"] == "invalid_transition"
        read = "query ($id: ID!) { durationModel(id: $id) { state errors etag } }"
        assert (await data(factory, read, id=made["id"]))["durationModel"]["errors"] is None
