"""Mutations are the commands of REST: same rules, same errors, once per key, all or nothing each."""

import pytest
from fixtures.app import Tenant, World
from fixtures.graph import ORDER, ask, data, enter, refusal

from woaas_core.ids import encode_id, uuid7

pytestmark = pytest.mark.anyio

CREATE = """mutation ($input: NewWorkOrderInput!, $key: String) {
  workOrderCreate(input: $input, idempotencyKey: $key) { id number state etag operations { id name state } }
}"""
RELEASE = """mutation ($id: ID!, $tag: String) { workOrderRelease(id: $id, ifMatch: $tag) { state etag } }"""
INPUT = {"product": "CABLE-HEAD", "quantity": "10", "operations": [{"name": "Turn"}, {"name": "Grind"}]}


class TestLifecycle:
    async def test_an_order_runs_from_draft_to_closed(self, factory: Tenant) -> None:
        order = (await data(factory, CREATE, input=INPUT))["workOrderCreate"]
        assert order["state"] == "draft"
        assert (await data(factory, RELEASE, id=order["id"]))["workOrderRelease"]["state"] == "released"
        for operation in order["operations"]:
            run = """mutation ($id: ID!, $report: NewReportInput!) {
                operationStart(id: $id) { state }
                operationReport(id: $id, input: $report) { kind good operation { good } }
                operationComplete(id: $id, input: { reason: "done" }) { state }
            }"""
            report = {"kind": "run", "good": "9", "scrap": "1", "startedAt": "2026-11-01T08:00:00Z"}
            done = await data(factory, run, id=operation["id"], report=report)
            assert done["operationStart"]["state"] == "running"
            assert done["operationReport"] == {"kind": "run", "good": "9", "operation": {"good": "9"}}
            assert done["operationComplete"]["state"] == "completed"
        finish = "mutation ($id: ID!) { workOrderComplete(id: $id) { state stage } workOrderClose(id: $id) { state } }"
        done = await data(factory, finish, id=order["id"])
        assert done == {
            "workOrderComplete": {"state": "completed", "stage": "done"},
            "workOrderClose": {"state": "closed"},
        }

    async def test_master_data_is_put_and_archived(self, factory: Tenant) -> None:
        put = """mutation ($i: WorkCenterInput) {
            workCenterPut(id: "machine-4", input: $i) { code costPerHour { amount } }
        }"""
        money = {"amount": "12.50", "currency": "CNY"}
        done = await data(factory, put, i={"name": "Mill", "costPerHour": money})
        assert done["workCenterPut"] == {"code": "machine-4", "costPerHour": {"amount": "12.50"}}
        retired = await data(factory, 'mutation { workCenterArchive(id: "machine-4") { archivedAt } }')
        assert retired["workCenterArchive"]["archivedAt"].endswith("Z")

    async def test_master_data_is_put_by_its_id_too_and_under_no_id_that_nothing_has(self, factory: Tenant) -> None:
        put = "mutation ($id: ID!, $i: SiteInput) { sitePut(id: $id, input: $i) { id code name } }"
        made = (await data(factory, put, id="north", i={"name": "North"}))["sitePut"]
        again = (await data(factory, put, id=made["id"], i={"name": "Upper North"}))["sitePut"]
        assert again == {**made, "name": "Upper North"}
        async with factory.client() as client:
            variables = {"id": encode_id("sit", uuid7()), "i": {}}
            answer = (await client.post("/graphql", json={"query": put, "variables": variables})).json()
            assert answer["errors"][0]["extensions"]["code"] == "not_found"
            assert len((await client.get("/v1/sites")).json()["data"]) == 1

    async def test_events_are_recorded_as_through_rest(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            done = await client.post("/graphql", json={"query": CREATE, "variables": {"input": INPUT}})
            event = done.headers["woaas-event-id"]
            order = done.json()["data"]["workOrderCreate"]["id"]
            await world.settle(factory)
            events = (await client.get(f"/v1/events?work_order_id={order}")).json()["data"]
        assert events[0]["type"] == "work_order.created"
        assert event in [e["id"] for e in events]


class TestRefusals:
    async def test_a_forbidden_command_names_the_allowed_ones(self, factory: Tenant) -> None:
        order = await enter(factory)
        found = await refusal(factory, "mutation ($id: ID!) { workOrderComplete(id: $id) { id } }", id=order["id"])
        assert (found["code"], found["status"]) == ("invalid_transition", 409)
        assert found["allowed_commands"] == ["cancel", "release"]
        assert found["path"] == ["workOrderComplete"]

    async def test_a_bad_input_is_pointed_at_in_the_graph_s_names(self, factory: Tenant) -> None:
        wrong = {**INPUT, "quantity": 10, "operations": []}
        found = await refusal(factory, CREATE, input=wrong)
        assert (found["code"], found["status"]) == ("not_a_decimal_string", 422)
        assert found["errors"][0]["pointer"] == "/quantity"
        late = await refusal(factory, CREATE, input={**INPUT, "dueAt": "tomorrow"})
        assert (late["code"], late["errors"][0]["pointer"]) == ("invalid", "/dueAt")

    async def test_an_unknown_member_never_reaches_the_command(self, factory: Tenant) -> None:
        found = await refusal(factory, CREATE, input={**INPUT, "colour": "red"})
        assert (found["code"], found["status"]) == ("malformed", 400)

    async def test_a_field_the_role_may_not_write(self, factory: Tenant) -> None:
        order = await enter(factory)
        key = await factory.key("operator")
        update = "mutation ($id: ID!, $i: WorkOrderPatchInput) { workOrderUpdate(id: $id, input: $i) { id } }"
        readable = await refusal(factory, update, key, id=order["id"], i={"title": "New"})
        assert (readable["code"], readable["errors"][0]["pointer"]) == ("field_forbidden", "/title")
        hidden = await refusal(factory, update, key, id=order["id"], i={"customer": "ACME"})
        assert (hidden["code"], hidden["status"]) == ("unknown_field", 422)

    async def test_what_failed_is_taken_back_and_the_rest_stays(self, factory: Tenant) -> None:
        order = await enter(factory)
        both = """mutation ($id: ID!) {
            workOrderUpdate(id: $id, input: { title: "kept" }) { title }
            workOrderComplete(id: $id) { state }
            workOrderRelease(id: $id) { title state }
        }"""
        answer = await ask(factory, both, id=order["id"])
        assert [e["path"] for e in answer["errors"]] == [["workOrderComplete"]]
        assert answer["data"]["workOrderComplete"] is None
        assert answer["data"]["workOrderRelease"] == {"title": "kept", "state": "released"}
        async with factory.client() as client:
            assert (await client.get(f"/v1/work-orders/{order['id']}")).json()["title"] == "kept"


class TestPreconditions:
    async def test_if_match_takes_rest_s_etag(self, factory: Tenant) -> None:
        order = await enter(factory)
        async with factory.client() as client:
            tag = (await client.get(f"/v1/work-orders/{order['id']}")).headers["etag"]
        query = "query ($id: ID!) { workOrder(id: $id) { etag operations { id etag } } }"
        found = (await data(factory, query, id=order["id"]))["workOrder"]
        assert found["etag"] == tag
        async with factory.client() as client:
            step = await client.get(f"/v1/operations/{found['operations'][0]['id']}")
        assert found["operations"][0]["etag"] == step.headers["etag"]
        released = (await data(factory, RELEASE, id=order["id"], tag=tag))["workOrderRelease"]
        assert released["etag"] != tag
        hold = "mutation ($id: ID!, $t: String) { workOrderHold(id: $id, ifMatch: $t) { state } }"
        stale = await refusal(factory, hold, id=order["id"], t=tag)
        assert (stale["code"], stale["status"]) == ("stale_etag", 412)
        assert (await data(factory, hold, id=order["id"], t=released["etag"]))["workOrderHold"]["state"] == "held"


class TestIdempotency:
    async def test_the_same_key_has_the_same_answer_and_one_effect(self, factory: Tenant) -> None:
        first = (await data(factory, CREATE, input=INPUT, key="k-1"))["workOrderCreate"]
        again = (await data(factory, CREATE, input=INPUT, key="k-1"))["workOrderCreate"]
        assert again == first
        found = await data(factory, "{ workOrders { edges { node { id } } } }")
        assert len(found["workOrders"]["edges"]) == 1

    async def test_the_same_key_with_another_input_is_refused(self, factory: Tenant) -> None:
        await data(factory, CREATE, input=INPUT, key="k-1")
        found = await refusal(factory, CREATE, input={**INPUT, "quantity": "11"}, key="k-1")
        assert (found["code"], found["status"]) == ("idempotency_key_reused", 422)

    async def test_a_failure_does_not_use_the_key_up(self, factory: Tenant) -> None:
        bad = {**INPUT, "dueAt": "0001-01-01T00:00:00+23:59"}
        await refusal(factory, CREATE, input=bad, key="k-1")
        assert (await data(factory, CREATE, input=INPUT, key="k-1"))["workOrderCreate"]["state"] == "draft"

    async def test_a_repeated_answer_is_the_first_one_not_today_s(self, factory: Tenant) -> None:
        first = (await data(factory, CREATE, input=INPUT, key="k-1"))["workOrderCreate"]
        await data(factory, RELEASE, id=first["id"])
        replay = """mutation ($input: NewWorkOrderInput!) {
            workOrderCreate(input: $input, idempotencyKey: "k-1") { id state }
        }"""
        assert (await data(factory, replay, input=INPUT))["workOrderCreate"] == {"id": first["id"], "state": "draft"}

    async def test_rest_and_graph_keep_their_keys_apart(self, factory: Tenant) -> None:
        await data(factory, CREATE, input=INPUT, key="k-1")
        async with factory.client() as client:
            made = await client.post("/v1/work-orders", json=ORDER, headers={"Idempotency-Key": "k-1"})
        assert made.status_code == 201
