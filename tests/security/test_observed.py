"""Reads that leave an entry: restricted fields once a request and kind of object, the log itself once an hour."""

from datetime import timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from httpx import AsyncClient

from woaas_core.clock import SystemClock

pytestmark = pytest.mark.anyio

STEPS = [{"name": "Paint", "custom_fields": {"curve": "c-7", "colour": "red"}}]


class StandingClock:
    def __init__(self) -> None:
        self.at = SystemClock().now()

    def now(self) -> Any:
        return self.at


@pytest.fixture
async def orders(factory: Tenant) -> list[dict[str, Any]]:
    """Three orders of a tenant that keeps customers from operators, and one member of a custom field too."""
    async with factory.client() as owner:
        for resource, field, access, data_class in (
            ("work_order", "customer", "masked", "secret"),
            ("operation", "custom_fields.curve", "none", None),
        ):
            body = {"resource": resource, "field": field, "role": "operator", "access": access}
            answer = await owner.post("/v1/field-policies", json=body | {"data_class": data_class})
            assert answer.status_code == 201, answer.text
        made = []
        for data_class in ("secret", "secret", "open"):
            order = {"product": "P", "quantity": "1", "customer": "ACME", "data_class": data_class, "operations": STEPS}
            made.append((await owner.post("/v1/work-orders", json=order)).json())
    return made


async def observed(tenant: Tenant, kind: str) -> list[dict[str, Any]]:
    """The entries of reads of a kind of object, oldest first."""
    await tenant.world.settle(tenant)
    async with tenant.client() as owner:
        found = (await owner.get(f"/v1/audit/entries?type={kind}.observed")).json()["data"]
    return list(reversed(found))


class TestRestrictedFields:
    async def test_a_request_leaves_one_entry_a_kind_with_ids_and_fields(
        self, factory: Tenant, orders: list[dict[str, Any]]
    ) -> None:
        before = len(await observed(factory, "work_order"))
        async with factory.client(await factory.key("planner")) as planner:
            await planner.get("/v1/work-orders?expand=operations")
        found = (await observed(factory, "work_order"))[before:]
        assert [sorted(e["data"]["ids"]) for e in found] == [sorted(o["id"] for o in orders[:2])]
        assert found[0]["data"]["fields"] == ["customer"]
        assert found[0]["actor"]["type"] == "api_key"
        assert found[0]["request_id"]
        steps = (await observed(factory, "operation"))[-1]
        assert set(steps["data"]["ids"]) == {o["operations"][0]["id"] for o in orders}
        assert steps["data"]["fields"] == ["custom_fields.curve"]

    async def test_what_is_masked_absent_or_not_restricted_leaves_none(
        self, factory: Tenant, orders: list[dict[str, Any]]
    ) -> None:
        before = [len(await observed(factory, kind)) for kind in ("work_order", "operation")]
        async with factory.client(await factory.key("operator")) as operator:
            assert (await operator.get(f"/v1/work-orders/{orders[0]['id']}")).json()["customer"] is None
        async with factory.client() as owner:
            await owner.get("/v1/work-orders?fields=title,product")
            await owner.get("/v1/operators")
        after = [len(await observed(factory, kind)) for kind in ("work_order", "operation")]
        assert after == before

    async def test_graphql_leaves_the_same(self, factory: Tenant, orders: list[dict[str, Any]]) -> None:
        before = len(await observed(factory, "work_order"))
        async with factory.client(await factory.key("planner")) as planner:
            await planner.post("/graphql", json={"query": "{ workOrders { edges { node { number customer } } } }"})
        (entry,) = (await observed(factory, "work_order"))[before:]
        assert set(entry["data"]["ids"]) == {o["id"] for o in orders[:2]}

    async def test_no_feed_and_no_catalogue_tells_of_it(self, factory: Tenant, orders: list[dict[str, Any]]) -> None:
        assert await observed(factory, "work_order")
        async with factory.client() as owner:
            events = (await owner.get("/v1/events?limit=200")).json()["data"]
            kinds = (await owner.get("/v1/event-types")).json()["data"]
            timeline = (await owner.get(f"/v1/work-orders/{orders[0]['id']}/timeline")).json()["data"]
        named = [e["type"] for e in (*events, *kinds, *timeline)]
        assert named
        assert not [name for name in named if name.endswith(".observed")]


async def test_reading_the_log_is_noted_once_an_hour_for_each_reader(
    factory: Tenant, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StandingClock()
    monkeypatch.setattr(world.db, "clock", clock)

    async def count() -> int:
        await world.settle(factory)
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, factory.id, "test")
            query = "SELECT id FROM event WHERE type = 'audit_entry.observed'"
            return len(await uow.connection.fetch(query))

    async def read(client: AsyncClient) -> None:
        assert (await client.get("/v1/audit/entries")).status_code == 200

    async with factory.client() as owner, factory.client(await factory.key("auditor")) as auditor:
        for _ in range(3):
            await read(owner)
        assert await count() == 1
        await read(auditor)
        assert await count() == 2
        clock.at += timedelta(hours=1)
        await read(owner)
        await read(owner)
        assert await count() == 3
