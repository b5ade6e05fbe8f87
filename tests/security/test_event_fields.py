"""An event's own fields obey their policies at every door of the log, and what is hidden is nothing to ask by."""

from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.graph import data, enter, refusal
from fixtures.receivers import Post, endpoint, post_office
from httpx import AsyncClient

pytestmark = pytest.mark.anyio

HIDDEN = ("subject", "recorded_at", "work_order_id")


@pytest.fixture
async def post(world: World) -> Post:
    return await post_office(world)


async def hide(factory: Tenant, *names: str) -> str:
    """A developer's key, from whom these fields of events are hidden."""
    async with factory.client() as owner:
        for name in names:
            policy = {"resource": "event", "field": name, "role": "developer", "access": "none"}
            assert (await owner.post("/v1/field-policies", json=policy)).status_code == 201
        made = await owner.post("/v1/api-keys", json={"name": "erp", "roles": ["developer"]})
        return str(made.json()["secret"])


async def entered(world: World, factory: Tenant) -> dict[str, Any]:
    """An order, and its events in the log."""
    order = await enter(factory)
    await world.settle(factory)
    return order


async def created(client: AsyncClient) -> dict[str, Any]:
    """The feed's event of an order's creation."""
    answer = await client.get("/v1/events?type=work_order.created")
    assert answer.status_code == 200, answer.text
    (event,) = answer.json()["data"]
    return dict(event)


async def test_they_are_absent_from_the_feed(world: World, factory: Tenant) -> None:
    order = await entered(world, factory)
    key = await hide(factory, *HIDDEN)
    async with factory.client() as owner, factory.client(key) as developer:
        whole, shown = await created(owner), await created(developer)
    assert whole["subject"] == whole["workorder"] == order["id"]
    assert shown == {n: v for n, v in whole.items() if n not in ("subject", "time", "workorder")}


async def test_nobody_asks_by_them(world: World, factory: Tenant) -> None:
    order = await entered(world, factory)
    key = await hide(factory, *HIDDEN)
    async with factory.client(key) as developer:
        for query in (
            f"work_order_id={order['id']}",
            "time[gte]=2020-01-01T00:00:00Z",
            "time[lt]=2099-01-01T00:00:00Z",
        ):
            answer = await developer.get(f"/v1/events?{query}")
            assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field"), query
    graph = "query ($w: ID) { events(workOrderId: $w) { edges { node { id } } } }"
    assert (await refusal(factory, graph, key, w=order["id"]))["code"] == "unknown_field"


async def test_they_are_null_in_the_graph(world: World, factory: Tenant) -> None:
    await entered(world, factory)
    key = await hide(factory, *HIDDEN)
    query = '{ events(types: ["work_order.created"]) { edges { node { type subject time workorder } } } }'
    (edge,) = (await data(factory, query, key))["events"]["edges"]
    assert edge["node"] == {"type": "work_order.created", "subject": None, "time": None, "workorder": None}


async def test_they_are_absent_from_the_timeline(world: World, factory: Tenant) -> None:
    order = await entered(world, factory)
    key = await hide(factory, *HIDDEN)
    async with factory.client() as owner, factory.client(key) as developer:
        path = f"/v1/work-orders/{order['id']}/timeline"
        whole, shown = [(await c.get(path)).json()["data"] for c in (owner, developer)]
    assert [set(w) - set(s) for w, s in zip(whole, shown, strict=True)] == [{"subject", "at"}] * len(whole)


async def test_they_are_absent_from_webhooks(factory: Tenant, post: Post) -> None:
    key = await hide(factory, *HIDDEN)
    await endpoint(factory, key)
    order = await enter(factory)
    (sent,) = await post.deliver(factory)
    assert sent.event["type"] == "work_order.created"
    assert not {"subject", "time", "workorder"} & set(sent.event)
    assert sent.event["data"]["number"] == order["number"]


async def test_without_their_type_there_is_no_feed(factory: Tenant, post: Post) -> None:
    await enter(factory)
    key = await hide(factory, "type")
    async with factory.client(key) as developer:
        assert (await developer.get("/v1/events")).status_code == 403
        body = {"url": "https://hooks.example.com/", "events": ["*"]}
        assert (await developer.post("/v1/webhook-endpoints", json=body)).status_code == 403
    assert (await refusal(factory, "{ events { edges { node { id } } } }", key))["code"] == "forbidden"


WORK_CENTER = {"name": "Press", "cost_per_hour": {"amount": "10.00", "currency": "EUR"}}


async def test_a_change_of_hidden_fields_alone_is_no_event(world: World, factory: Tenant) -> None:
    """That something hidden has changed, and when, is hidden too: at the feed and in the timeline."""
    key = await hide(factory)
    hidden = [("work_center", "cost_per_hour"), ("operation", "operator")]
    async with factory.client() as owner, factory.client(key) as developer:
        for resource, field in hidden:
            policy = {"role": "developer", "resource": resource, "field": field, "access": "none"}
            assert (await owner.post("/v1/field-policies", json=policy)).status_code == 201
        dearer = {**WORK_CENTER, "cost_per_hour": {"amount": "20.00", "currency": "EUR"}}
        for body in (WORK_CENTER, dearer, {**dearer, "name": "Big press"}):
            assert (await owner.put("/v1/work-centers/M1", json=body)).status_code in (200, 201)
        order = await enter(factory, release=True)
        operation = f"/v1/operations/{order['operations'][0]['id']}"
        assert (await owner.post(f"{operation}/assign", json={"operator": "ann"})).status_code == 200
        await world.settle(factory)
        seen: list[list[str]] = []
        for client in (owner, developer):
            feed = (await client.get("/v1/events")).json()["data"]
            timeline = (await client.get(f"/v1/work-orders/{order['id']}/timeline")).json()["data"]
            types = [e["type"] for e in feed] + [e["type"] for e in timeline]
            seen.append([t for t in types if t in ("work_center.changed", "operation.assigned")])
            assert not [e for e in feed + timeline if "moved" in e]
    assert seen[0] == ["work_center.changed"] * 3 + ["operation.assigned"] * 2
    assert seen[1] == ["work_center.changed"] * 2
