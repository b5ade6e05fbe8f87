"""Who tries what he may not is written down: bounded in the log, counted in full, and the owner hears of it once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.graph import ask

from woaas_core.clock import FrozenClock
from woaas_core.db.statements import Statement

pytestmark = pytest.mark.anyio


@pytest.fixture
async def partner(factory: Tenant) -> tuple[str, str]:
    """A partner's key and its id."""
    async with factory.client() as owner:
        made = (await owner.post("/v1/api-keys", json={"name": "p", "roles": ["partner"]})).json()
    return made["secret"], made["id"]


async def entries(world: World, factory: Tenant, actor: str, kind: str) -> list[dict[str, Any]]:
    await world.settle(factory)
    async with factory.client() as owner:
        found = (await owner.get("/v1/audit/entries", params={"actor": actor, "type": kind})).json()
    return list(found["data"])


async def test_what_was_tried_is_in_the_log_and_the_owner_is_alerted_once(
    world: World, factory: Tenant, partner: tuple[str, str]
) -> None:
    key, actor = partner
    async with factory.client(key) as client:
        for _ in range(3):
            assert (await client.get("/v1/work-orders")).status_code == 403
        for query in ("operator=ANN", "sort=operator", "fields=operator"):
            assert (await client.get(f"/v1/operations?{query}")).json()["code"] == "unknown_field"
        assert (await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).status_code == 403
    denied = await entries(world, factory, actor, "access.denied")
    assert [(e["data"]["operation"], e["data"]["code"]) for e in denied] == [
        ("create_work_order", "forbidden"), ("list_operations", "unknown_field"), ("list_work_orders", "forbidden"),
    ]  # fmt: skip
    (alert,) = await entries(world, factory, actor, "alert.raised")
    assert alert["data"] == {"kind": "access_denied", "operation": "list_work_orders", "code": "forbidden"}
    async with world.db.unit_of_work() as uow:
        await world.authenticator.as_system(uow, factory.id, "test")
        rows = await uow.all(Statement.text("SELECT operation, attempts FROM denials WHERE operation <> '*'"))
    assert {r["operation"]: r["attempts"] for r in rows} == {
        "list_work_orders": 3,
        "list_operations": 3,
        "create_work_order": 1,
    }


async def test_the_next_hour_is_told_again_and_only_the_next_day_alerts(world: World, factory: Tenant) -> None:
    async with factory.client() as owner:
        made = (await owner.post("/v1/api-keys", json={"name": "p", "roles": ["partner"]})).json()
    now = datetime.now(UTC).replace(hour=12, minute=0)
    for later_h in (0, 0.5, 1, 24):
        world.db.clock = FrozenClock(now + timedelta(hours=later_h))
        async with factory.client(made["secret"]) as client:
            assert (await client.get("/v1/work-orders")).status_code == 403
    assert len(await entries(world, factory, made["id"], "access.denied")) == 3
    assert len(await entries(world, factory, made["id"], "alert.raised")) == 2


async def test_the_graph_tells_too(world: World, factory: Tenant, partner: tuple[str, str]) -> None:
    key, actor = partner
    await ask(factory, "{ workOrders { edges { node { id } } } }", key)
    (entry,) = await entries(world, factory, actor, "access.denied")
    assert entry["data"] == {"operation": "graphql", "code": "forbidden"}


async def test_what_does_not_exist_is_nobody_s_to_deny(world: World, factory: Tenant) -> None:
    async with factory.client() as owner:
        made = (await owner.post("/v1/api-keys", json={"name": "p", "roles": ["planner"]})).json()
    async with factory.client(made["secret"]) as client:
        assert (await client.get("/v1/work-orders?nonsense=1")).status_code == 400
        assert (await client.get("/v1/work-orders/WO-999")).status_code == 404
    assert await entries(world, factory, made["id"], "access.denied") == []
