"""The graph reads what REST reads, through the same masks, with the same cursors."""

from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.graph import ask, data, enter, refusal
from strawberry.utils.str_converters import to_camel_case

from woaas_graphql import types
from woaas_graphql.shapes import kind_of

pytestmark = pytest.mark.anyio

MOULD = {"mould_no": "M-17"}
BARS = {"material": "BAR-12", "quantity": "10", "unit": "pcs"}
OPERATIONS = [{"name": "Turn", "setup_time": "PT15M", "materials": [BARS]}, {"name": "Grind"}]
NUMBERS = """query ($first: Int!, $after: String) {
  workOrders(first: $first, after: $after, sort: ["-priority"]) {
    edges { cursor node { id number priority } } pageInfo { hasNextPage endCursor startCursor }
  }
}"""


def selection(shape: Any) -> str:
    names = " ".join(to_camel_case(f.name) for f in kind_of(shape).resource.fields)
    return names.replace("materials", "materials { material quantity unit }")


def camel(shown: dict[str, Any]) -> dict[str, Any]:
    return {to_camel_case(name): value for name, value in shown.items()}


class TestAnonymous:
    async def test_nobody_without_a_key(self, world: World, factory: Tenant) -> None:
        async with factory.client("wrong") as client:
            response = await client.post("/graphql", json={"query": "{ me { id } }"})
        assert response.status_code == 401
        assert response.json()["errors"][0]["extensions"]["code"] == "unauthenticated"

    async def test_another_tenant_s_order_is_not_found(self, world: World, factory: Tenant) -> None:
        order = await enter(factory)
        stranger = await world.tenant("Stranger")
        found = await refusal(stranger, "query ($id: ID!) { workOrder(id: $id) { id } }", id=order["id"])
        assert (found["code"], found["status"]) == ("not_found", 404)


class TestSameAsREST:
    async def test_an_order_with_its_operations(self, factory: Tenant) -> None:
        order = await enter(factory, due_at="2026-12-01T10:00:00+02:00", operations=OPERATIONS, custom_fields=MOULD)
        query = f"""query ($id: ID!) {{ workOrder(id: $id) {{ {selection(types.WorkOrder)} livemode
            operations {{ {selection(types.Operation)} }} }} }}"""
        found = (await data(factory, query, id=order["number"]))["workOrder"]
        operations = order.pop("operations")
        assert order.pop("signatures") == []
        assert found.pop("operations") == [{k: v for k, v in camel(o).items() if k != "livemode"} for o in operations]
        assert found == camel(order)

    async def test_master_data_is_typed(self, factory: Tenant) -> None:
        body = {"name": "Mill", "cost_per_hour": {"amount": "12.50", "currency": "CNY"}, "state": "up"}
        async with factory.client() as client:
            await client.put("/v1/work-centers/machine-4", json=body)
        query = '{ workCenter(id: "machine-4") { code name state costPerHour { amount currency } } }'
        assert (await data(factory, query))["workCenter"] == {
            "code": "machine-4",
            "name": "Mill",
            "state": "up",
            "costPerHour": {"amount": "12.50", "currency": "CNY"},
        }

    async def test_pages_share_cursors_with_rest(self, factory: Tenant) -> None:
        for priority in (1, 2, 3, 4):
            await enter(factory, priority=priority)
        first = (await data(factory, NUMBERS, first=2))["workOrders"]
        assert [e["node"]["priority"] for e in first["edges"]] == [4, 3]
        assert first["pageInfo"]["hasNextPage"] is True
        async with factory.client() as client:
            page = (await client.get("/v1/work-orders?limit=2&sort=-priority")).json()
            assert page["next_cursor"] == first["pageInfo"]["endCursor"] == first["edges"][1]["cursor"]
            after_one = first["edges"][0]["cursor"]
            rest = (await client.get(f"/v1/work-orders?limit=2&sort=-priority&cursor={after_one}")).json()
        assert [o["priority"] for o in rest["data"]] == [3, 2]
        last = (await data(factory, NUMBERS, first=200, after=page["next_cursor"]))["workOrders"]
        assert [e["node"]["priority"] for e in last["edges"]] == [2, 1]
        assert last["pageInfo"]["hasNextPage"] is False

    async def test_filters_are_rest_s(self, factory: Tenant) -> None:
        await enter(factory, priority=1, custom_fields={"mould_no": "M-17"})
        other = await enter(factory, priority=5, due_at="2026-12-01T10:00:00Z")
        query = "query ($f: WorkOrderFilter) { workOrders(filter: $f) { edges { node { number } } } }"

        async def numbers(**wanted: Any) -> list[str]:
            found = await data(factory, query, f=wanted)
            return [e["node"]["number"] for e in found["workOrders"]["edges"]]

        assert await numbers(priority={"gte": 2}) == [other["number"]]
        assert await numbers(dueAt={"lt": "2026-12-02T00:00:00Z"}) == [other["number"]]
        assert await numbers(state={"in": ["released", "running"]}) == []
        assert len(await numbers(customFields=[{"member": "mould_no", "eq": "M-17"}])) == 1
        assert len(await numbers(state={"eq": "draft"}, priority={"in": [1, 5]})) == 2
        # A comma is part of the value, not a list as in a query string.
        assert await numbers(state={"eq": "draft,released"}) == []

    async def test_cursors_of_another_query_are_refused(self, factory: Tenant) -> None:
        for _ in range(2):
            await enter(factory)
        end = (await data(factory, NUMBERS, first=1))["workOrders"]["pageInfo"]["endCursor"]
        query = "query ($c: String) { workOrders(after: $c) { edges { cursor } } }"
        assert (await refusal(factory, query, c=end))["code"] == "invalid_cursor"
        assert (await refusal(factory, NUMBERS, first=201))["code"] == "invalid_limit"

    async def test_me_is_rest_s(self, factory: Tenant) -> None:
        async with factory.client() as client:
            mine = (await client.get("/v1/me")).json()
        assert (await data(factory, "{ me { id name roles tenantId permissions } }"))["me"] == {
            "id": mine["id"],
            "name": mine["name"],
            "roles": ["owner"],
            "tenantId": mine["tenant_id"],
            "permissions": mine["permissions"],
        }

    async def test_feeds_go_on_where_they_ended(self, world: World, factory: Tenant) -> None:
        order = await enter(factory)
        await world.settle(factory)
        query = """query ($after: String) { events(first: 100, after: $after, types: ["work_order.*"]) {
            edges { cursor node { type subject auditindex } } pageInfo { hasNextPage endCursor } } }"""
        events = (await data(factory, query))["events"]
        assert [(e["node"]["type"], e["node"]["subject"]) for e in events["edges"]] == [
            ("work_order.created", order["id"])
        ]
        again = (await data(factory, query, after=events["pageInfo"]["endCursor"]))["events"]
        assert again["edges"] == []
        audit = "{ auditEntries(first: 1) { edges { cursor node { id type index actor { id type } } } " \
                "pageInfo { hasNextPage } } }"  # fmt: skip
        entries = (await data(factory, audit))["auditEntries"]
        async with factory.client() as client:
            rest = (await client.get("/v1/audit/entries?limit=1")).json()
        (edge,) = entries["edges"]
        assert edge["cursor"] == rest["next_cursor"]
        assert edge["node"]["id"] == rest["data"][0]["id"]
        assert edge["node"]["actor"] == rest["data"][0]["actor"]


class TestMasks:
    async def test_an_unreadable_field_is_null_with_one_error_at_its_path(self, factory: Tenant) -> None:
        order = await enter(factory, customer="ACME")
        key = await factory.key("operator")
        query = "query ($id: ID!) { workOrder(id: $id) { id number customer } }"
        answer = await ask(factory, query, key, id=order["id"])
        assert answer["data"]["workOrder"] == {"id": order["id"], "number": order["number"], "customer": None}
        (error,) = answer["errors"]
        assert error["path"] == ["workOrder", "customer"]
        assert error["extensions"]["code"] == "field_forbidden"
        assert error["extensions"]["status"] == 403
        assert error["extensions"]["request_id"]

    async def test_a_masked_field_is_null_and_named(self, factory: Tenant) -> None:
        order = await enter(factory, customer="ACME")
        key = await factory.key("auditor")
        query = "query ($id: ID!) { workOrder(id: $id) { customer number maskedFields } }"
        found = (await data(factory, query, key, id=order["id"]))["workOrder"]
        assert found == {"customer": None, "number": order["number"], "maskedFields": ["/customer", "/customFields"]}

    async def test_arguments_that_name_hidden_fields_are_unknown(self, factory: Tenant) -> None:
        key = await factory.key("operator")
        for arguments in ('filter: { customer: { eq: "A" } }', 'sort: ["customer"]', 'sort: ["-nonsense"]'):
            found = await refusal(factory, f"{{ workOrders({arguments}) {{ edges {{ cursor }} }} }}", key)
            assert (found["code"], found["status"]) == ("unknown_field", 400)

    async def test_a_guest_sees_his_rows_only(self, factory: Tenant) -> None:
        mine = await enter(factory, customer="ACME")
        other = await enter(factory, customer="OTHER")
        key = await factory.key("customer", customer="ACME")
        found = await data(factory, "{ workOrders { edges { node { id number } } } }", key)
        assert [e["node"]["id"] for e in found["workOrders"]["edges"]] == [mine["id"]]
        query = "query ($id: ID!) { workOrder(id: $id) { number operations { name } } }"
        assert (await refusal(factory, query, key, id=other["id"]))["code"] == "not_found"
        hidden = await ask(factory, query, key, id=mine["id"])
        assert hidden["data"]["workOrder"]["operations"] is None
        assert hidden["errors"][0]["extensions"]["code"] == "forbidden"

    async def test_a_partner_guest_never_reaches_what_is_made_inside(self, factory: Tenant) -> None:
        steps = [{"name": "Turn", "sourcing": "make"}, {"name": "Coat", "sourcing": "outsource"}]
        await enter(factory, operations=steps)
        key = await factory.key("partner")
        found = await data(factory, "{ operations { edges { node { name } } } }", key)
        assert [e["node"]["name"] for e in found["operations"]["edges"]] == ["Coat"]
