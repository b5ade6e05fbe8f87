"""What a guest or a narrow role must not learn, door by door: rows by scope, fields by mask, existence by neither."""

from typing import Any

import pytest
from fixtures.app import Tenant, World
from httpx import AsyncClient, Response

pytestmark = pytest.mark.anyio

CANARY = "xq7canary"
OPERATIONS = [
    {"name": f"Turn {CANARY}in", "sourcing": "make"},
    {"name": "Paint", "sourcing": "outsource"},
    {"name": "Coat", "sourcing": "either", "predecessors": [10]},
]


@pytest.fixture
async def orders(factory: Tenant) -> dict[str, dict[str, Any]]:
    """Three orders: one of ACME, one of a rival, one of nobody, each with work, a reason and a receipt."""
    made = {}
    async with factory.client() as client:
        for customer in ("ACME", "RIVAL", None):
            body = {
                "product": f"P-{customer}",
                "quantity": "10",
                "title": f"Batch for {customer}",
                "external_ref": f"{CANARY}ref-{customer}",
                "custom_fields": {"margin": f"{CANARY}margin"},
                "operations": OPERATIONS,
                "release": True,
                **({"customer": customer} if customer else {}),
            }
            order = (await client.post("/v1/work-orders", json=body)).json()
            operation = f"/v1/operations/{order['operations'][0]['id']}"
            await client.post(f"{operation}/start", json={"operator": f"{CANARY}Ann", "reason": f"{CANARY}why"})
            await client.post(f"{operation}/reports", json={"kind": "run", "good": "1", "operator": f"{CANARY}Ann"})
            await client.post(f"/v1/work-orders/{order['id']}/receipts", json={"quantity": "1", "lot": f"{CANARY}lot"})
            made[str(customer)] = order
    return made


async def guest(factory: Tenant, *roles: str, customer: str | None = None) -> AsyncClient:
    return factory.client(await factory.key(*roles, customer=customer))


def refused(answer: Response) -> bool:
    """Neither the object nor anything of it."""
    return answer.status_code in (400, 403, 404) and CANARY not in answer.text


class TestLog:
    async def test_the_public_half_of_events_names_no_operator(self, world: World, factory: Tenant) -> None:
        """What is in an event's data cannot be masked or erased."""
        async with factory.client() as client:
            body = {"product": "P", "quantity": "1", "release": True, "operations": [{"name": "Turn"}]}
            operation = (await client.post("/v1/work-orders", json=body)).json()["operations"][0]["id"]
            for command in ("assign", "start"):
                answer = await client.post(f"/v1/operations/{operation}/{command}", json={"operator": f"{CANARY}Ann"})
                assert answer.status_code == 200
            await client.post(f"/v1/operations/{operation}/reports", json={"kind": "run", "good": "1"})
            await world.settle(factory)
            events = (await client.get("/v1/events")).text
            entries = (await client.get("/v1/audit/entries")).text
        assert "operation.assigned" in events
        assert CANARY not in events
        assert CANARY in entries  # the owner reads it in the changes

    async def test_an_auditor_is_shown_none(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            body = {"product": "P", "quantity": "1", "release": True, "operations": [{"name": "Turn"}]}
            operation = (await client.post("/v1/work-orders", json=body)).json()["operations"][0]["id"]
            await client.post(f"/v1/operations/{operation}/assign", json={"operator": f"{CANARY}Ann"})
            await world.settle(factory)
        async with await guest(factory, "auditor") as auditor:
            for path in ("/v1/audit/entries", "/v1/events", "/v1/operations", f"/v1/operations/{operation}"):
                answer = await auditor.get(path)
                assert answer.status_code == 200
                assert CANARY not in answer.text, path


class TestCustomer:
    async def test_a_list_holds_his_orders_only(self, factory: Tenant, orders: dict[str, Any]) -> None:
        async with await guest(factory, "customer", customer="ACME") as client:
            for query in ("", "?q=Batch", "?state=running", "?sort=-due_at", "?sort=title&limit=1",
                          "?expand=operations"):  # fmt: skip
                answer = await client.get(f"/v1/work-orders{query}")
                assert [o["id"] for o in answer.json()["data"]] == [orders["ACME"]["id"]], query
                assert answer.json()["next_cursor"] is None
                assert "RIVAL" not in answer.text
                assert CANARY not in answer.text

    async def test_other_orders_are_as_if_they_were_not(self, factory: Tenant, orders: dict[str, Any]) -> None:
        async with await guest(factory, "customer", customer="ACME") as client:
            missing = (await client.get("/v1/work-orders/WO-999999")).json()
            for name in ("RIVAL", "None"):
                for key in (orders[name]["id"], orders[name]["number"]):
                    for path in ("", "/timeline", "/receipts"):
                        answer = await client.get(f"/v1/work-orders/{key}{path}")
                        if path == "/receipts" and answer.status_code == 403:
                            continue
                        assert answer.status_code == 404
                        hidden = {"instance": "", "request_id": ""}
                        assert {**answer.json(), **hidden} == {**missing, **hidden}

    async def test_his_own_order_shows_the_fields_granted_and_no_more(
        self, factory: Tenant, orders: dict[str, Any]
    ) -> None:
        async with await guest(factory, "customer", customer="ACME") as client:
            shown = (await client.get(f"/v1/work-orders/{orders['ACME']['id']}")).json()
        assert set(shown) == {"id", "number", "title", "product", "quantity", "unit", "state", "stage", "due_at",
                              "promised_at", "created_at", "livemode"}  # fmt: skip

    async def test_the_timeline_tells_no_names_reasons_or_operations(
        self, factory: Tenant, orders: dict[str, Any]
    ) -> None:
        async with await guest(factory, "customer", customer="ACME") as client:
            answer = await client.get(f"/v1/work-orders/{orders['ACME']['id']}/timeline")
        entries = answer.json()["data"]
        assert [e["type"] for e in entries] == ["work_order.created", "work_order.released", "work_order.started"]
        assert CANARY not in answer.text
        assert "key_" not in answer.text
        assert "op_" not in answer.text

    async def test_a_key_without_a_customer_sees_nothing(self, factory: Tenant, orders: dict[str, Any]) -> None:
        """Not even the orders that have no customer either."""
        from woaas_core.db.statements import Statement

        key = await factory.key("customer", customer="ACME")
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            await uow.execute(Statement.text("UPDATE api_keys SET customer = NULL WHERE customer IS NOT NULL"))
        async with factory.client(key) as client:
            assert (await client.get("/v1/work-orders")).json()["data"] == []
            for order in orders.values():
                assert (await client.get(f"/v1/work-orders/{order['number']}")).status_code == 404

    @pytest.mark.parametrize("more", ["partner"])
    async def test_a_second_guest_role_does_not_widen_the_first(
        self, factory: Tenant, orders: dict[str, Any], more: str
    ) -> None:
        async with await guest(factory, "customer", more, customer="ACME") as client:
            listed = (await client.get("/v1/work-orders")).json()["data"]
            assert [o["id"] for o in listed] == [orders["ACME"]["id"]]
            assert (await client.get(f"/v1/work-orders/{orders['RIVAL']['id']}")).status_code == 404
            operations = (await client.get("/v1/operations")).json()["data"]
            assert {o["name"] for o in operations} == {"Paint", "Coat"}
            inside = orders["ACME"]["operations"][0]["id"]
            for path in ("", "/context", "/reports"):
                assert refused(await client.get(f"/v1/operations/{inside}{path}")), path

    async def test_he_can_do_nothing(self, factory: Tenant, orders: dict[str, Any]) -> None:
        order = orders["ACME"]
        async with await guest(factory, "customer", customer="ACME") as client:
            for path in ("release", "hold", "complete", "cancel", "abort", "operations", "receipts"):
                body = {"name": "x", "quantity": "1"} if path in ("operations", "receipts") else {}
                body = {"name": "x"} if path == "operations" else {"quantity": "1"} if path == "receipts" else {}
                answer = await client.post(f"/v1/work-orders/{order['id']}/{path}", json=body)
                assert answer.status_code == 403, path
            assert (await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).status_code == 403
            patched = await client.patch(f"/v1/work-orders/{order['id']}", json={"title": "mine"})
            assert (patched.status_code, patched.json()["code"]) == (403, "field_forbidden")
            assert patched.json()["errors"][0]["pointer"] == "/title"
            for path in ("/v1/operations", "/v1/events", "/v1/kpis", "/v1/api-keys", "/v1/members", "/v1/customers"):
                assert (await client.get(path)).status_code == 403, path


class TestPartner:
    async def test_only_what_may_go_out_is_listed(self, factory: Tenant, orders: dict[str, Any]) -> None:
        async with await guest(factory, "partner") as client:
            for query in ("", "?q=Turn", "?q=a", "?state=pending", "?sort=name"):
                answer = await client.get(f"/v1/operations{query}")
                assert {o["name"] for o in answer.json()["data"]} <= {"Paint", "Coat"}, query
                assert CANARY not in answer.text
            shown = answer.json()["data"][0]
        assert set(shown) == {"id", "sequence", "name", "state", "planned_start_at", "planned_end_at",
                              "external_state", "livemode"}  # fmt: skip

    async def test_what_is_made_inside_is_as_if_it_were_not(self, factory: Tenant, orders: dict[str, Any]) -> None:
        inside = orders["ACME"]["operations"][0]["id"]
        async with await guest(factory, "partner") as client:
            for path in ("", "/context", "/reports"):
                assert (await client.get(f"/v1/operations/{inside}{path}")).status_code in (403, 404), path
            assert (await client.get(f"/v1/operations/{inside}")).status_code == 404
            for command in ("start", "complete", "kit", "assign", "hold"):
                assert (await client.post(f"/v1/operations/{inside}/{command}")).status_code == 404, command
            outside = orders["ACME"]["operations"][1]["id"]
            assert (await client.get(f"/v1/operations/{outside}")).status_code == 200
            assert (await client.post(f"/v1/operations/{outside}/start")).status_code == 403

    async def test_the_orders_and_everything_of_them_are_closed(self, factory: Tenant, orders: dict[str, Any]) -> None:
        order = orders["ACME"]["id"]
        outside = orders["ACME"]["operations"][1]["id"]
        async with await guest(factory, "partner") as client:
            for path in ("/v1/work-orders", f"/v1/work-orders/{order}", f"/v1/work-orders/{order}/timeline",
                         f"/v1/work-orders/{order}/receipts", f"/v1/operations/{outside}/reports", "/v1/inspections",
                         "/v1/kpis", "/v1/events", "/v1/customers", "/v1/work-centers", "/v1/api-keys"):  # fmt: skip
                assert refused(await client.get(path)), path
            answer = await client.get(f"/v1/operations/{outside}/context")
            assert answer.status_code in (403, 404)


HIDDEN = {"operator": ("customer", "external_ref"), "customer": ("customer", "external_ref", "steward", "stages"),
          "auditor": ("customer", "custom_fields")}  # fmt: skip


class TestHiddenFields:
    """A field the caller may not read answers exactly as one that does not exist."""

    @pytest.mark.parametrize("role", list(HIDDEN))
    async def test_in_every_part_of_a_query(self, factory: Tenant, orders: dict[str, Any], role: str) -> None:
        async with await guest(factory, role, customer="ACME" if role == "customer" else None) as client:
            for hidden in HIDDEN[role]:
                for query in ("{}=ACME", "{}[ne]=ACME", "{}[lt]=B", "{}.margin=x", "sort={}", "sort=-{}",
                              "fields=id,{}", "expand={}", "{}[foo]=1"):  # fmt: skip
                    if role == "auditor" and query.startswith("fields"):
                        continue
                    real = await client.get(f"/v1/work-orders?{query.format(hidden)}")
                    unreal = await client.get(f"/v1/work-orders?{query.format('zzzzz')}")
                    assert real.status_code == 400, (hidden, query)
                    same = {"request_id": "", "detail": real.json()["detail"].replace(hidden, "zzzzz")}
                    assert {**real.json(), **same} == {**unreal.json(), "request_id": ""}, (hidden, query)

    async def test_search_does_not_look_into_them(self, factory: Tenant, orders: dict[str, Any]) -> None:
        for role, text in (("operator", f"{CANARY}ref"), ("operator", "ACME"), ("auditor", "ACME")):
            async with factory.client() as client:
                found = (await client.get(f"/v1/work-orders?q={text}")).json()["data"]
            async with await guest(factory, role) as client:
                by_role = (await client.get(f"/v1/work-orders?q={text}")).json()["data"]
            expected = [o for o in found if text in f"{o['title']}{o['product']}{o['number']}"]
            assert [o["id"] for o in by_role] == [o["id"] for o in expected]
            assert len(found) > len(by_role) or text == "ACME"

    async def test_they_are_absent_everywhere_they_could_show(self, factory: Tenant, orders: dict[str, Any]) -> None:
        order = orders["ACME"]
        async with await guest(factory, "operator") as client:
            for path in ("/v1/work-orders", "/v1/work-orders?expand=operations", f"/v1/work-orders/{order['id']}",
                         f"/v1/work-orders/{order['id']}/timeline"):  # fmt: skip
                answer = await client.get(path)
                assert answer.status_code == 200
                assert f"{CANARY}ref" not in answer.text, path
                assert '"external_ref"' not in answer.text, path

    async def test_the_timeline_of_a_forecast_order_tells_no_hidden_product(self, factory: Tenant) -> None:
        starts, ends = "2099-01-01T00:00:00Z", "2099-02-01T00:00:00Z"
        bucket = {"product": f"{CANARY}product", "quantity": "3", "start_at": starts, "end_at": ends}
        async with factory.client() as owner, await guest(factory, "planner") as planner:
            answer = await owner.post("/v1/forecasts", json={"buckets": [bucket]})
            assert answer.status_code == 201, answer.text
            (order,) = (await owner.get("/v1/work-orders?state=forecast")).json()["data"]
            path = f"/v1/work-orders/{order['id']}/timeline"
            assert CANARY in (await planner.get(path)).text
            for resource in ("work_order", "forecast_bucket"):
                policy = {"resource": resource, "field": "product", "role": "planner", "access": "none"}
                assert (await owner.post("/v1/field-policies", json=policy)).status_code == 201
            shown = await planner.get(path)
        assert [e["type"] for e in shown.json()["data"]][-1] == "forecast_bucket.expected"
        assert CANARY not in shown.text

    async def test_who_may_not_see_whose_an_order_is_sees_no_customers(
        self, factory: Tenant, orders: dict[str, Any]
    ) -> None:
        async with factory.client() as client:
            await client.put("/v1/customers/ACME", json={"name": "Acme", "email": "a@acme.example"})
        async with await guest(factory, "operator") as client:
            for path in ("/v1/customers", "/v1/customers/ACME"):
                assert (await client.get(path)).status_code == 403
            assert (await client.get("/v1/materials")).status_code == 200

    async def test_a_masked_one_is_null_with_its_pointer(self, factory: Tenant, orders: dict[str, Any]) -> None:
        async with await guest(factory, "auditor") as client:
            one = (await client.get(f"/v1/work-orders/{orders['ACME']['id']}")).json()
            listed = (await client.get("/v1/work-orders")).json()["data"]
            chosen = (await client.get("/v1/work-orders?fields=id,customer,title")).json()["data"]
            report = (await client.get(f"/v1/operations/{orders['ACME']['operations'][0]['id']}/reports")).json()
        for shown in (one, *listed):
            assert shown["customer"] is None
            assert shown["custom_fields"] is None
            assert shown["masked_fields"] == ["/customer", "/custom_fields"]
        for shown in chosen:
            assert shown["customer"] is None
            assert shown["masked_fields"] == ["/customer"]
            assert set(shown) == {"id", "customer", "title", "masked_fields"}
        assert report["data"][0]["operator"] is None
        assert report["data"][0]["masked_fields"] == ["/operator"]

    async def test_writing_one_is_writing_none(self, factory: Tenant, orders: dict[str, Any]) -> None:
        path = f"/v1/work-orders/{orders['ACME']['id']}"
        async with await guest(factory, "operator") as client:
            for value in ("RIVAL", None):
                real = await client.patch(path, json={"customer": value})
                unreal = await client.patch(path, json={"zzzzz": value})
                assert real.status_code == 422
                same = {"request_id": ""}
                assert {**real.json(), **same} == {
                    **unreal.json(), **same,
                    "detail": unreal.json()["detail"].replace("zzzzz", "customer"),
                    "errors": [{**e, "pointer": "/customer", "detail": e["detail"].replace("zzzzz", "customer")}
                               for e in unreal.json()["errors"]],
                }  # fmt: skip
            readable = await client.patch(path, json={"title": "mine"})
            assert (readable.status_code, readable.json()["code"]) == (403, "field_forbidden")
            both = await client.patch(path, json={"title": "mine", "customer": "X"})
            assert (both.status_code, both.json()["errors"][0]["pointer"]) == (422, "/customer")

    @pytest.mark.parametrize(("role", "customer"), [("customer", "ACME"), ("operator", None), ("auditor", None)])
    async def test_nothing_tells_that_a_hidden_field_changed(
        self, factory: Tenant, orders: dict[str, Any], role: str, customer: str | None
    ) -> None:
        """Neither body nor tag: a version or a time of change would."""
        path = f"/v1/work-orders/{orders['ACME']['id']}"
        hidden = {"customer": "steward", "operator": "customer", "auditor": "custom_fields"}[role]
        async with await guest(factory, role, customer=customer) as client, factory.client() as owner:
            before = await client.get(path)
            await owner.patch(path, json={hidden: {"margin": "9"} if hidden == "custom_fields" else "ANN"})
            after = await client.get(path)
            assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])
            for query in ("sort=-updated_at", "updated_at[gt]=2020-01-01T00:00:00Z", "fields=version"):
                assert (await client.get(f"/v1/work-orders?{query}")).status_code == 400, query

    async def test_a_member_of_master_data_cannot_be_filtered_through_another(self, factory: Tenant) -> None:
        """The members share a column: a filter path must not reach past the field it is given for."""
        body = {"name": "Lathe", "cost_per_hour": {"amount": "100", "currency": "CNY"}}
        async with factory.client() as client:
            assert (await client.put("/v1/work-centers/M1", json=body)).status_code == 201
            for query in ("name.cost_per_hour=1", "name.name=Lathe", "cost_per_hour.amount=100", "sort=name"):
                assert (await client.get(f"/v1/work-centers?{query}")).status_code == 400, query


class TestOtherTenants:
    async def test_nothing_of_one_is_in_any_answer_to_the_other(self, factory: Tenant, orders: dict[str, Any]) -> None:
        other = await factory.world.tenant("Other")
        await factory.world.settle(factory, other)
        order = orders["ACME"]
        operation = order["operations"][0]["id"]
        async with other.client() as client:
            for path in ("work-orders", "operations", "inspections", "events", "api-keys", "members", "customers",
                         f"work-orders?q={CANARY}", "kpis", f"events?work_order_id={order['id']}",
                         f"work-orders?id={order['id']}"):  # fmt: skip
                answer = await client.get(f"/v1/{path}")
                assert answer.status_code == 200, path
                assert CANARY not in answer.text, path
                assert order["id"] not in answer.text, path
            for path in (f"work-orders/{order['id']}", f"work-orders/{order['id']}/timeline",
                         f"work-orders/{order['id']}/receipts", f"operations/{operation}",
                         f"operations/{operation}/context", f"operations/{operation}/reports"):  # fmt: skip
                assert (await client.get(f"/v1/{path}")).status_code == 404, path
            for command in ("release", "hold", "resume", "complete", "reopen", "close", "cancel", "abort"):
                assert (await client.post(f"/v1/work-orders/{order['id']}/{command}")).status_code == 404, command
            for command in ("start", "complete", "kit", "assign", "rework", "hold"):
                assert (await client.post(f"/v1/operations/{operation}/{command}")).status_code == 404, command
            report = await client.post(f"/v1/operations/{operation}/reports", json={"kind": "run"})
            assert report.status_code == 404
            inspection = await client.post("/v1/inspections", json={"subject": operation, "result": "pass"})
            assert inspection.status_code == 404
        async with factory.client() as client:
            assert (await client.get(f"/v1/work-orders/{order['id']}")).json()["state"] == "running"

    async def test_a_reference_used_elsewhere_is_free_here(self, factory: Tenant, orders: dict[str, Any]) -> None:
        other = await factory.world.tenant("Other")
        async with other.client() as client:
            body = {"product": "P", "quantity": "1", "external_ref": orders["ACME"]["external_ref"]}
            answer = await client.post("/v1/work-orders", json=body)
        assert answer.status_code == 201
        assert answer.json()["number"] == "WO-000001"
