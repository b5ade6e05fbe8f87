"""Entering, changing and commanding work orders through the REST door."""

import asyncio
import json
from typing import Any

import pytest
from fixtures.app import Tenant
from httpx import AsyncClient

pytestmark = pytest.mark.anyio
ORDER: dict[str, Any] = {"product": "P", "quantity": "10"}


@pytest.fixture
async def client(factory: Tenant) -> Any:
    async with factory.client() as client:
        yield client


async def make(client: AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post("/v1/work-orders", json={**ORDER, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def do(client: AsyncClient, path: str, expected: int = 200, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/{path}", json=body)
    assert answer.status_code == expected, answer.text
    return answer.json()


async def finish(client: AsyncClient, order: dict[str, Any]) -> None:
    """Release and carry out every operation, but not complete the order."""
    if order["state"] == "draft":
        await do(client, f"work-orders/{order['id']}/release")
    for operation in order["operations"]:
        await do(client, f"operations/{operation['id']}/start")
        await do(client, f"operations/{operation['id']}/complete")


class TestCreate:
    async def test_what_is_left_out_has_a_documented_default(self, client: AsyncClient) -> None:
        order = await make(client)
        expected = {"number": "WO-000001", "state": "draft", "stage": None, "plan_status": "unplanned", "priority": 3,
                    "type": "production", "title": "P", "unit": "pcs", "livemode": True, "version": 1, "due_at": None,
                    "quantity": "10", "export_controlled": False, "custom_fields": {}, "participants": []}  # fmt: skip
        assert {name: order[name] for name in expected} == expected
        assert [(o["sequence"], o["name"], o["state"]) for o in order["operations"]] == [(10, "Production", "pending")]
        assert order["id"].startswith("wo_")

    async def test_the_routing_gives_the_operations(self, client: AsyncClient) -> None:
        steps = [{"name": "Cut", "unit_time": "PT90S"}, {"name": "Weld", "skills": ["weld"]}]
        assert (await client.put("/v1/routings/P", json={"operations": steps})).status_code == 201
        order = await make(client)
        assert [(o["name"], o["unit_time"]) for o in order["operations"]] == [("Cut", "PT1M30S"), ("Weld", "PT0S")]
        mine = await make(client, operations=[{"name": "Mine"}])
        assert [o["name"] for o in mine["operations"]] == ["Mine"]

    async def test_times_come_out_in_utc_and_durations_canonical(self, client: AsyncClient) -> None:
        order = await make(
            client, due_at="2026-12-01T18:00:00.5+08:00", operations=[{"name": "a", "setup_time": "PT90M"}]
        )
        assert order["due_at"] == "2026-12-01T10:00:00.500000Z"
        assert order["operations"][0]["setup_time"] == "PT1H30M"
        assert (await client.get(f"/v1/work-orders/{order['id']}")).json() == order

    async def test_a_number_is_an_id_too(self, client: AsyncClient) -> None:
        order = await make(client)
        assert (await client.get("/v1/work-orders/WO-000001")).json() == order
        assert (await do(client, "work-orders/WO-000001/release"))["state"] == "released"

    async def test_numbers_have_no_gap_even_after_refusals(self, client: AsyncClient) -> None:
        await make(client)
        bad = {**ORDER, "operations": [{"name": "a", "predecessors": [7]}]}
        assert (await client.post("/v1/work-orders", json=bad)).status_code == 422
        await client.post("/v1/work-orders/batch", json={"items": [{"key": "a", "work_order": bad}]})
        assert (await make(client))["number"] == "WO-000002"

    REFUSED = (
        ({"quantity": "0"}, "/quantity"),
        ({"quantity": "0.000000"}, "/quantity"),
        ({"due_at": "1969-12-31T23:59:59Z"}, "/due_at"),
        ({"due_at": "2200-01-01T00:00:00Z"}, "/due_at"),
        ({"earliest_start_at": "9999-12-31T23:59:59Z"}, "/earliest_start_at"),
        ({"operations": [{"name": "a", "unit_time": "P99999DT999999H"}]}, None),
        ({"operations": [{"name": "a", "sequence": 5}, {"name": "b", "sequence": 5}]}, "/operations/1/sequence"),
        ({"operations": [{"name": "a"}, {"name": "b", "sequence": 10}]}, "/operations/1/sequence"),
        ({"operations": [{"name": "a"}, {"name": "b", "predecessors": [30]}]}, "/operations/1/predecessors"),
        ({"operations": [{"name": "b", "sequence": 20, "predecessors": [9]}, {"name": "a", "sequence": 10}]},
         "/operations/0/predecessors"),
        ({"operations": [{"name": "a", "predecessors": [10]}]}, "/operations"),
        ({"operations": [{"name": "a", "predecessors": [20]}, {"name": "b", "predecessors": [10]}]}, "/operations"),
        ({"operations": [{"name": "a", "predecessors": [30]}, {"name": "b"}, {"name": "c"}]}, "/operations"),
    )  # fmt: skip

    async def test_what_makes_no_sense_is_refused_with_the_place(self, client: AsyncClient) -> None:
        for more, pointer in self.REFUSED:
            answer = await client.post("/v1/work-orders", json={**ORDER, **more})
            if pointer is None:
                assert answer.status_code in (201, 422), more
                continue
            assert answer.status_code == 422, more
            assert answer.json()["errors"][0]["pointer"] == pointer, more

    async def test_predecessors_default_to_the_next_lower_sequence(self, client: AsyncClient) -> None:
        """Whatever order they are sent in."""
        order = await make(
            client,
            operations=[{"name": "c", "sequence": 30}, {"name": "a", "sequence": 10}, {"name": "b", "sequence": 20}],
        )
        assert [(o["sequence"], o["predecessors"]) for o in order["operations"]] == [(10, []), (20, [10]), (30, [20])]

    async def test_release_at_once(self, client: AsyncClient) -> None:
        order = await make(client, release=True)
        assert (order["state"], order["stage"], order["operations"][0]["state"]) == ("released", "dispatch", "ready")


class TestExternalRef:
    async def test_the_same_again_is_the_first_one(self, client: AsyncClient) -> None:
        body = {**ORDER, "external_ref": "SO-1", "custom_fields": {"b": 1, "a": "2"}}
        first = await client.post("/v1/work-orders", json=body)
        again = await client.post("/v1/work-orders", json=dict(reversed(body.items())))
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert again.headers["location"] == first.headers["location"]
        assert "woaas-event-id" not in again.headers
        other = await client.post("/v1/work-orders", json={**body, "quantity": "11"})
        assert (other.status_code, other.json()["code"]) == (409, "conflict")

    async def test_it_is_found_after_the_order_moved_on(self, client: AsyncClient) -> None:
        body = {**ORDER, "external_ref": "SO-1"}
        order = (await client.post("/v1/work-orders", json=body)).json()
        await do(client, f"work-orders/{order['id']}/release")
        again = await client.post("/v1/work-orders", json=body)
        assert (again.status_code, again.json()["state"]) == (200, "released")

    async def test_twins_make_one_order(self, client: AsyncClient) -> None:
        body = {**ORDER, "external_ref": "SO-1"}
        answers = await asyncio.gather(*(client.post("/v1/work-orders", json=body) for _ in range(8)))
        assert [a.status_code for a in answers].count(201) == 1
        for answer in answers:
            assert answer.status_code in (200, 201) or answer.json()["code"] == "idempotency_in_progress"
        assert len((await client.get("/v1/work-orders")).json()["data"]) == 1


class TestBatch:
    async def test_each_is_entered_or_refused_on_its_own(self, factory: Tenant, client: AsyncClient) -> None:
        good = {**ORDER, "external_ref": "SO-1"}
        items = [
            {"key": "r1", "work_order": good},
            {"key": "r2", "work_order": {**ORDER, "quantity": "0"}},
            {"key": "r3", "work_order": good},
            {"key": "r4", "work_order": {**good, "quantity": "3"}},
            {"key": "r5", "work_order": {**ORDER, "operations": [], "release": True}},
            {"key": "r6", "work_order": {**ORDER, "release": True}},
            {"key": "r7", "work_order": {**ORDER, "operations": [], "release": True}},
        ]
        answer = await client.post("/v1/work-orders/batch", json={"items": items})
        assert answer.status_code == 200
        results = answer.json()["results"]
        assert [(r["key"], r["status"]) for r in results] == [
            ("r1", 201), ("r2", 422), ("r3", 200), ("r4", 409), ("r5", 409), ("r6", 201), ("r7", 409)]  # fmt: skip
        assert results[2]["work_order"]["id"] == results[0]["work_order"]["id"]
        assert results[1]["problem"]["errors"][0]["pointer"] == "/quantity"
        assert all(("problem" in r) == (r["status"] >= 400) for r in results)
        numbers = [o["number"] for o in (await client.get("/v1/work-orders")).json()["data"]]
        assert numbers == ["WO-000002", "WO-000001"]
        await factory.world.settle(factory)
        after = await client.get("/v1/work-orders", headers={"Woaas-After": answer.headers["woaas-event-id"]})
        assert after.status_code == 200, "the event named is one that was kept"

    async def test_an_item_that_does_not_fit_refuses_only_itself(self, client: AsyncClient) -> None:
        wrong = [{"product": "P"}, {**ORDER, "quantity": 5}, {**ORDER, "nothing": 1}, 7]
        items = [{"key": str(i), "work_order": order} for i, order in enumerate([*wrong, ORDER])]
        answer = await client.post("/v1/work-orders/batch", content=json.dumps({"items": items}))
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert [r["status"] for r in results] == [422, 422, 422, 422, 201]
        assert [r["problem"]["code"] for r in results[:3]] == ["invalid", "not_a_decimal_string", "unknown_field"]
        assert results[1]["problem"]["errors"][0]["pointer"] == "/quantity"

    async def test_more_than_five_hundred_or_an_item_without_a_key_refuses_the_whole(self, client: AsyncClient) -> None:
        many = {"items": [{"key": "k", "work_order": ORDER}] * 501}
        assert (await client.post("/v1/work-orders/batch", json=many)).status_code == 422
        wrong = {"items": [{"key": "a", "work_order": ORDER}, {"work_order": ORDER}]}
        answer = await client.post("/v1/work-orders/batch", json=wrong)
        assert answer.json()["errors"][0]["pointer"] == "/items/1/key"
        assert (await client.get("/v1/work-orders")).json()["data"] == []


class TestCommands:
    async def test_an_order_without_operations_is_not_released(self, client: AsyncClient) -> None:
        """It could never start and so never complete."""
        order = await make(client, operations=[])
        refused = await do(client, f"work-orders/{order['id']}/release", 409)
        assert refused["code"] == "guard_failed"
        assert (await client.post(f"/v1/work-orders/{order['id']}/operations", json={"name": "a"})).status_code == 201
        assert (await do(client, f"work-orders/{order['id']}/release"))["state"] == "released"

    async def test_completion_lists_everything_that_is_missing(self, client: AsyncClient) -> None:
        order = await make(
            client, release=True, operations=[{"name": "a", "inspection_required": True}, {"name": "b"}, {"name": "c"}]
        )
        first, second, _ = (o["id"] for o in order["operations"])
        await do(client, f"operations/{first}/start")
        await do(client, f"operations/{first}/complete")
        await do(client, f"operations/{second}/start")
        refused = await do(client, f"work-orders/{order['id']}/complete", 409)
        assert refused["code"] == "guard_failed"
        assert refused["missing"] == ["operation 20 'b' is running", "operation 30 'c' is pending",
                                      "the inspection of operation 10 'a' is open"]  # fmt: skip

    async def test_short_quantity_and_scrap_never_block(self, client: AsyncClient) -> None:
        order = await make(client, release=True)
        operation = order["operations"][0]["id"]
        await do(client, f"operations/{operation}/reports", 201, kind="run", good="0", scrap="12")
        await do(client, f"operations/{operation}/complete")
        assert (await do(client, f"work-orders/{order['id']}/complete"))["state"] == "completed"

    async def test_a_second_person_reopens(self, factory: Tenant, client: AsyncClient) -> None:
        order = await make(client)
        path = f"work-orders/{order['id']}"
        assert (await do(client, f"{path}/reopen", 409))["code"] == "invalid_transition"
        await finish(client, order)
        done = await do(client, f"{path}/complete")
        refused = await do(client, f"{path}/reopen", 409)
        assert refused["code"] == "four_eyes"
        async with factory.client(await factory.key("operator")) as operator:
            assert (await operator.post(f"/v1/{path}/reopen")).status_code == 403
        async with factory.client(await factory.key("supervisor")) as second:
            again = await do(second, f"{path}/reopen", reason="wrong label")
            assert again["state"] == "running"
            assert again["completed_at"] == done["completed_at"], "the first completion stays known"
            await do(second, f"{path}/complete")
        assert (await do(client, f"{path}/reopen"))["state"] == "running", "now the other one completed it"

    async def test_a_held_order_goes_back_to_where_it_was(self, client: AsyncClient) -> None:
        order = await make(client, release=True, operations=[{"name": "a"}, {"name": "b", "predecessors": []}])
        path, operation = f"work-orders/{order['id']}", order["operations"][0]["id"]
        for expected in ("released", "running"):
            await do(client, f"{path}/hold", reason="material")
            held = await do(client, f"operations/{operation}/start", 409)
            assert held["code"] == "invalid_transition"
            assert held["allowed_commands"] == ["resume"]
            assert (await do(client, f"{path}/resume"))["state"] == expected
            if expected == "released":
                await do(client, f"operations/{operation}/start")

    async def test_nothing_starts_on_a_held_order_but_late_reports_are_taken(self, client: AsyncClient) -> None:
        order = await make(client, release=True, operations=[{"name": "a"}, {"name": "b", "predecessors": []}])
        first, second = (o["id"] for o in order["operations"])
        await do(client, f"operations/{first}/start")
        await do(client, f"work-orders/{order['id']}/hold")
        await do(client, f"operations/{first}/reports", 201, kind="run", good="2")
        refused = await do(client, f"operations/{second}/reports", 409, kind="run", good="2")
        assert refused["code"] == "invalid_transition"
        shown = (await client.get(f"/v1/work-orders/{order['id']}")).json()
        assert [(o["state"], o["good"]) for o in shown["operations"]] == [("running", "2"), ("ready", "0")]

    async def test_cancel_is_for_before_and_abort_for_after_any_work(self, client: AsyncClient) -> None:
        order = await make(client, release=True, operations=[{"name": "a"}, {"name": "b"}])
        assert (await do(client, f"work-orders/{order['id']}/abort", 409))["allowed_commands"] == ["cancel", "hold"]
        cancelled = await do(client, f"work-orders/{order['id']}/cancel")
        assert [o["state"] for o in cancelled["operations"]] == ["cancelled", "cancelled"]
        order = await make(client, release=True, operations=[{"name": "a"}, {"name": "b"}])
        await do(client, f"operations/{order['operations'][0]['id']}/start")
        await do(client, f"work-orders/{order['id']}/hold")
        assert (await do(client, f"work-orders/{order['id']}/cancel", 409))["allowed_commands"] == ["abort", "resume"]
        aborted = await do(client, f"work-orders/{order['id']}/abort")
        assert [o["state"] for o in aborted["operations"]] == ["aborted", "cancelled"]
        assert aborted["stage"] is None

    async def test_only_what_the_role_may_do_is_offered(self, factory: Tenant, client: AsyncClient) -> None:
        order = await make(client, release=True)
        async with factory.client(await factory.key("quality")) as quality:
            refused = await do(quality, f"work-orders/{order['id']}/resume", 409)
        assert refused["allowed_commands"] == ["hold"]

    async def test_a_reason_is_told_in_the_timeline(self, client: AsyncClient) -> None:
        order = await make(client, release=True)
        await do(client, f"work-orders/{order['id']}/hold", reason="customer asked")
        entries = (await client.get(f"/v1/work-orders/{order['id']}/timeline")).json()["data"]
        assert [e["type"] for e in entries] == ["work_order.created", "operation.created", "operation.readied",
                                                "work_order.released", "work_order.held"]  # fmt: skip
        assert entries[-1]["reason"] == "customer asked"


class TestPatch:
    async def test_absent_is_not_null(self, client: AsyncClient) -> None:
        order = await make(client, due_at="2026-12-01T00:00:00Z", customer="ACME", priority=2)
        path = f"/v1/work-orders/{order['id']}"
        changed = (await client.patch(path, json={"due_at": None})).json()
        assert (changed["due_at"], changed["customer"], changed["priority"]) == (None, "ACME", 2)
        assert changed["version"] == 2

    async def test_what_changes_nothing_is_no_version(self, client: AsyncClient) -> None:
        order = await make(client, due_at="2026-12-01T00:00:00Z")
        path = f"/v1/work-orders/{order['id']}"
        for body in ({}, {"quantity": "10.0"}, {"due_at": "2026-12-01T08:00:00+08:00"}, {"title": "P"}):
            answer = await client.patch(path, json=body)
            assert answer.json() == order, body
            assert "woaas-event-id" not in answer.headers

    async def test_an_ended_order_is_settled(self, client: AsyncClient) -> None:
        order = await make(client)
        path = f"/v1/work-orders/{order['id']}"
        await do(client, f"work-orders/{order['id']}/cancel")
        answer = await client.patch(path, json={"title": "x"})
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert (await client.post(f"{path}/operations", json={"name": "x"})).status_code == 409

    async def test_what_a_command_decides_cannot_be_patched(self, client: AsyncClient) -> None:
        order = await make(client)
        for name in (
            "state",
            "stage",
            "number",
            "id",
            "completed_at",
            "external_ref",
            "product",
            "version",
            "plan_status",
        ):
            answer = await client.patch(f"/v1/work-orders/{order['id']}", json={name: "x"})
            assert (answer.status_code, answer.json()["code"]) == (403, "field_forbidden"), name


class TestAddOperation:
    async def test_it_waits_for_the_one_before_it(self, client: AsyncClient) -> None:
        order = await make(client, release=True, operations=[{"name": "a"}, {"name": "b"}])
        path = f"/v1/work-orders/{order['id']}/operations"
        last = (await client.post(path, json={"name": "c"})).json()
        between = (await client.post(path, json={"name": "d", "sequence": 15})).json()
        first = (await client.post(path, json={"name": "e", "sequence": 5})).json()
        assert [(o["sequence"], o["predecessors"]) for o in (last, between, first)] == [(30, [20]), (15, [10]), (5, [])]
        shown = (await client.get(f"/v1/work-orders/{order['id']}")).json()["operations"]
        assert [(o["sequence"], o["state"]) for o in shown] == [
            (5, "ready"), (10, "ready"), (15, "pending"), (20, "pending"), (30, "pending")]  # fmt: skip

    async def test_what_does_not_fit_is_refused_with_the_place_in_this_body(self, client: AsyncClient) -> None:
        order = await make(client, operations=[{"name": "a"}, {"name": "b"}])
        path = f"/v1/work-orders/{order['id']}/operations"
        for body, pointer in (
            ({"name": "x", "sequence": 10}, "/sequence"),
            ({"name": "x", "predecessors": [99]}, "/predecessors"),
            ({"name": "x", "sequence": 30, "predecessors": [30]}, "/predecessors"),
        ):
            answer = await client.post(path, json=body)
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
