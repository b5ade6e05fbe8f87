"""Which rows a key is for: the predicate is in every statement, so what is outside is as if it were not."""

from typing import Any

import pytest
from fixtures.app import Tenant
from httpx import AsyncClient

pytestmark = pytest.mark.anyio


@pytest.fixture
async def orders(factory: Tenant) -> dict[str, dict[str, Any]]:
    """One order at each site, each with a step that may go out and one of Ann's."""
    made: dict[str, dict[str, Any]] = {}
    async with factory.client() as owner:
        for site, more in (
            ("NORTH", {"participants": ["FORGE"]}),
            ("SOUTH", {"steward": "ANN"}),
            ("EAST", {"export_controlled": True, "participants": ["FORGE"]}),
        ):
            body = {
                "product": f"P-{site}",
                "quantity": "1",
                "site": site,
                "line": f"L-{site}",
                "release": True,
                "operations": [{"name": f"Turn {site}"}, {"name": f"Paint {site}", "sourcing": "outsource"}],
                **more,
            }
            made[site] = (await owner.post("/v1/work-orders", json=body)).json()
        first = made["NORTH"]["operations"][0]["id"]
        await owner.post(f"/v1/operations/{first}/assign", json={"operator": "ANN"})
        for order in made.values():
            step = order["operations"][0]["id"]
            await owner.post(f"/v1/operations/{step}/reports", json={"kind": "run", "good": "1"})
            await owner.post(f"/v1/work-orders/{order['id']}/receipts", json={"quantity": "1"})
            await owner.post("/v1/inspections", json={"subject": step, "result": "pass"})
    return made


async def scoped(factory: Tenant, role: str, **scope: Any) -> AsyncClient:
    """A client whose key is for a part of the tenant."""
    async with factory.client() as owner:
        made = await owner.post("/v1/api-keys", json={"name": "k", "roles": [role], "scope": scope})
        assert made.status_code == 201, made.text
        assert made.json()["scope"] == scope
    return factory.client(made.json()["secret"])


@pytest.mark.parametrize(
    "scope", [{"sites": ["NORTH"]}, {"lines": ["L-NORTH"]}, {"participant": "FORGE", "sites": ["NORTH"]}]
)
async def test_what_is_outside_is_as_if_it_were_not(
    factory: Tenant, orders: dict[str, dict[str, Any]], scope: dict[str, Any]
) -> None:
    inside, outside = orders["NORTH"], orders["SOUTH"]
    async with await scoped(factory, "supervisor", **scope) as client:
        listed = (await client.get("/v1/work-orders?expand=operations")).json()["data"]
        assert [o["id"] for o in listed] == [inside["id"]]
        operations = (await client.get("/v1/operations")).json()["data"]
        assert {o["name"] for o in operations} == {"Turn NORTH", "Paint NORTH"}
        for path in ("/v1/inspections", "/v1/operations", "/v1/work-orders?q=SOUTH"):
            assert "SOUTH" not in (await client.get(path)).text
            assert outside["id"] not in (await client.get(path)).text
        key, step = outside["id"], outside["operations"][0]["id"]
        for path in (f"work-orders/{key}", f"work-orders/{outside['number']}", f"work-orders/{key}/timeline",
                     f"work-orders/{key}/receipts", f"operations/{step}", f"operations/{step}/context",
                     f"operations/{step}/reports"):  # fmt: skip
            assert (await client.get(f"/v1/{path}")).status_code == 404, path
        for path in (f"work-orders/{key}/hold", f"operations/{step}/complete", f"operations/{step}/assign"):
            assert (await client.post(f"/v1/{path}", json={})).status_code == 404, path
        assert (await client.patch(f"/v1/work-orders/{key}", json={"title": "x"})).status_code == 404
        query = "{ workOrders { edges { node { id operations { id } } } } workOrder(id: %s) { id } }"
        answer = await client.post("/graphql", json={"query": query % f'"{key}"'})
        assert [e["node"]["id"] for e in answer.json()["data"]["workOrders"]["edges"]] == [inside["id"]]
        assert answer.json()["data"]["workOrder"] is None
        # What cannot be told apart by site is closed.
        for path in ("/v1/events", "/v1/kpis", "/v1/schedules"):
            assert (await client.get(path)).status_code == 403, path
        assert (await client.get("/v1/materials")).status_code == 200


async def test_nothing_is_written_outside(factory: Tenant, orders: dict[str, dict[str, Any]]) -> None:
    async with await scoped(factory, "planner", sites=["NORTH"]) as client:
        body = {"product": "P", "quantity": "1", "site": "SOUTH"}
        assert (await client.post("/v1/work-orders", json=body)).status_code == 403
        assert (await client.post("/v1/work-orders", json={**body, "site": "NORTH"})).status_code == 201
        moved = await client.patch(f"/v1/work-orders/{orders['NORTH']['id']}", json={"site": "SOUTH"})
        assert moved.status_code == 403
        assert len((await client.get("/v1/work-orders")).json()["data"]) == 2


async def test_an_operator_s_key_is_for_what_is_assigned_to_him(
    factory: Tenant, orders: dict[str, dict[str, Any]]
) -> None:
    async with await scoped(factory, "operator", operator="ANN") as client:
        assert [o["name"] for o in (await client.get("/v1/operations")).json()["data"]] == ["Turn NORTH"]
        (order,) = (await client.get("/v1/work-orders")).json()["data"]
        assert order["id"] == orders["NORTH"]["id"]
        assert "operations" not in (await client.get(f"/v1/work-orders/{order['id']}")).json()
        assert (await client.get(f"/v1/operations/{orders['SOUTH']['operations'][0]['id']}")).status_code == 404


async def test_who_takes_part_does_so_until_the_order_has_ended(
    factory: Tenant, orders: dict[str, dict[str, Any]]
) -> None:
    async with await scoped(factory, "quality", participant="FORGE") as client, factory.client() as owner:
        assert len((await client.get("/v1/work-orders")).json()["data"]) == 2
        await owner.post(f"/v1/work-orders/{orders['NORTH']['id']}/abort", json={"reason": "over"})
        assert [o["id"] for o in (await client.get("/v1/work-orders")).json()["data"]] == [orders["EAST"]["id"]]
    async with await scoped(factory, "quality", participant="ANN") as steward:
        assert [o["id"] for o in (await steward.get("/v1/work-orders")).json()["data"]] == [orders["SOUTH"]["id"]]


async def test_a_partner_sees_what_is_shared_with_him_and_never_what_is_export_controlled(
    factory: Tenant, orders: dict[str, dict[str, Any]]
) -> None:
    paths = {site: f"/v1/operations/{order['operations'][1]['id']}" for site, order in orders.items()}
    async with factory.client(await factory.key("partner")) as anyone:
        # An order that names who takes part is theirs; one that names nobody is any partner's.
        assert [o["name"] for o in (await anyone.get("/v1/operations")).json()["data"]] == ["Paint SOUTH"]
        assert [(await anyone.get(paths[s])).status_code for s in ("NORTH", "SOUTH", "EAST")] == [404, 200, 404]
    async with await scoped(factory, "partner", participant="FORGE") as forge:
        assert [o["name"] for o in (await forge.get("/v1/operations")).json()["data"]] == ["Paint NORTH"]
        assert [(await forge.get(paths[s])).status_code for s in ("NORTH", "SOUTH", "EAST")] == [200, 404, 404]
    async with factory.client() as owner, factory.client(await factory.key("partner")) as anyone:
        await owner.patch(f"/v1/work-orders/{orders['SOUTH']['id']}", json={"export_controlled": True})
        assert (await anyone.get(paths["SOUTH"])).status_code == 404


async def test_nobody_gives_a_wider_scope_than_his(factory: Tenant) -> None:
    permissions = [{"resource": "api_key", "access": "write", "actions": ["create"]}]
    async with factory.client() as owner:
        await owner.put("/v1/roles/lead", json={"name": "L", "inherits": ["operator"], "permissions": permissions})
    async with await scoped(factory, "lead", sites=["NORTH", "SOUTH"]) as lead:
        # Keys belong to no site: they are closed to a key that does.
        assert (await lead.post("/v1/api-keys", json={"name": "x", "roles": ["operator"]})).status_code == 403


async def test_a_customer_s_own_role_reads_receipts_of_his_orders_only(
    factory: Tenant, orders: dict[str, dict[str, Any]]
) -> None:
    permissions = [{"resource": "receipt", "access": "read"}]
    async with factory.client() as owner:
        await owner.put("/v1/roles/portal", json={"name": "P", "inherits": ["customer"], "permissions": permissions})
        await owner.patch(f"/v1/work-orders/{orders['NORTH']['id']}", json={"customer": "ACME"})
    async with factory.client(await factory.key("portal", customer="ACME")) as guest:
        mine = await guest.get(f"/v1/work-orders/{orders['NORTH']['id']}/receipts")
        assert [r["quantity"] for r in mine.json()["data"]] == ["1"]
        assert (await guest.get(f"/v1/work-orders/{orders['SOUTH']['id']}/receipts")).status_code == 404
