"""What needs a person is an alert until its cause is gone, and nothing else is one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.farm import farm
from fixtures.planning import FAST, new_order, planned, plant, put
from fixtures.proposals import broken_down
from httpx import AsyncClient

from woaas_solver_farm.handlers import READERS

pytestmark = pytest.mark.anyio

TURN = [{"name": "Turn", "work_centers": ["m1"], "unit_time": "PT6M"}]


def soon(**delta: float) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


async def alerts(world: World, factory: Tenant, client: AsyncClient, **query: str) -> list[dict[str, Any]]:
    await world.settle(factory, only=READERS)
    answer = await client.get("/v1/alerts", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def published(world: World, client: AsyncClient, **params: Any) -> str:
    schedule_id = str((await planned(world, client, **params))["schedule_id"])
    assert (await client.post(f"/v1/schedules/{schedule_id}/publish", json={})).is_success
    return schedule_id


async def finish(client: AsyncClient, order: dict[str, Any]) -> None:
    for step in order["operations"]:
        await client.post(f"/v1/operations/{step['id']}/start", json={})
        assert (await client.post(f"/v1/operations/{step['id']}/complete", json={})).is_success
    assert (await client.post(f"/v1/work-orders/{order['id']}/complete", json={})).is_success


class TestOrders:
    async def test_late_ones_and_those_without_a_place(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            late = await new_order(client, operations=TURN, due_at=soon(minutes=10))
            fine = await new_order(client, operations=TURN, due_at=soon(days=3))
            lost = await new_order(client, operations=[{"name": "Turn", "work_centers": ["gone"], "unit_time": "PT1M"}])
            plan = await published(world, client)
            found = {a["subject"]: a for a in await alerts(world, factory, client)}
            assert found.keys() == {late["id"], lost["id"]}, "what goes as it should is no alert"
            assert found[late["id"]]["kind"] == "order_late"
            assert found[late["id"]]["links"] == [f"/v1/work-orders/{late['id']}", f"/v1/schedules/{plan}/late-orders"]
            assert found[late["id"]]["since"] == (await client.get(f"/v1/schedules/{plan}")).json()["published_at"]
            assert found[lost["id"]]["kind"] == "order_overflow"
            # Another due time, and the end of an order, take the cause away.
            await client.patch(f"/v1/work-orders/{late['id']}", json={"due_at": soon(days=2)})
            await client.post(f"/v1/work-orders/{lost['id']}/cancel", json={})
            assert await alerts(world, factory, client) == []
            await client.patch(f"/v1/work-orders/{fine['id']}", json={"due_at": soon(minutes=5)})
            (again,) = await alerts(world, factory, client)
            assert again["subject"] == fine["id"]
            closed = await alerts(world, factory, client, state="closed")
            assert sorted(a["subject"] for a in closed) == sorted([late["id"], lost["id"]])
            assert all(a["closed_at"] for a in closed)

    async def test_more_than_ordered(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            order = await new_order(client, operations=TURN, quantity="10")
            path = f"/v1/operations/{order['operations'][0]['id']}/reports"
            await client.post(path, json={"kind": "run", "good": "10"})
            assert await alerts(world, factory, client) == []
            over = (await client.post(path, json={"kind": "run", "good": "1"})).json()
            (alert,) = await alerts(world, factory, client)
            assert (alert["kind"], alert["work_order_id"]) == ("quantity_exceeded", order["id"])
            fix = {"kind": "run", "good": "0", "reason": "typo"}
            assert (await client.post(f"/v1/reports/{over['id']}/correct", json=fix)).status_code == 201
            assert await alerts(world, factory, client) == []
            await client.post(path, json={"kind": "run", "good": "2"})
            assert len(await alerts(world, factory, client)) == 1
            await finish(client, order)
            assert await alerts(world, factory, client) == []


class TestPlans:
    async def test_a_breakdown_and_the_proposal_that_answers_it(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await broken_down(world, factory, client)
            found = {a["kind"]: a for a in await alerts(world, factory, client)}
            assert found.keys() == {"work_center_down", "proposal_waiting"}
            assert found["work_center_down"]["subject"] == "m1"
            waiting = found["proposal_waiting"]
            proposal = (await client.get(f"/v1/proposals/{waiting['subject']}")).json()
            assert waiting["response_time"] == proposal["response_time"]
            (figure,) = (await client.get("/v1/kpis?names=response_time")).json()["data"]
            assert figure["denominator"] == "1"
            assert float(figure["value"]) > 0, "minutes from the breakdown to the plan"
            await client.post(f"/v1/proposals/{waiting['subject']}/accept", json={})
            # The plan that holds now has nothing on the machine that is down; the one left is too slow for both.
            assert [a["kind"] for a in await alerts(world, factory, client)] == ["order_late"]

    async def test_a_run_that_failed_until_one_does_not(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            run = (await client.post("/v1/schedule-runs", json=FAST)).json()
            async with world.db.unit_of_work() as uow:
                await world.authenticator.as_system(uow, factory.id, "test")
                await uow.connection.execute("UPDATE schedule_runs SET attempt = 99")
            await farm(world.db).run_once()
            assert (await client.get(f"/v1/schedule-runs/{run['id']}")).json()["status"] == "failed"
            (alert,) = await alerts(world, factory, client)
            assert (alert["kind"], alert["subject"]) == ("run_failed", run["id"])
            await planned(world, client)
            assert await alerts(world, factory, client) == []

    async def test_a_plan_made_before_the_one_in_force_came(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            older = (await planned(world, client))["schedule_id"]
            newer = (await planned(world, client, seed=2))["schedule_id"]
            assert await alerts(world, factory, client) == []
            await client.post(f"/v1/schedules/{older}/publish", json={})
            (alert,) = await alerts(world, factory, client)
            assert (alert["kind"], alert["subject"]) == ("plan_outdated", newer)
            await planned(world, client, seed=3)
            assert await alerts(world, factory, client) == []


class TestTheDoor:
    async def test_seen_once_is_seen_and_a_closed_one_is_over(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client() as client:
            order = await new_order(client, operations=TURN, quantity="1")
            await client.post(
                f"/v1/operations/{order['operations'][0]['id']}/reports", json={"kind": "run", "good": "2"}
            )
            (alert,) = await alerts(world, factory, client)
            path = f"/v1/alerts/{alert['id']}"
            tag = (await client.get(path)).headers["etag"]
            async with factory.client(key="woaas_live_x") as nobody, other.client() as stranger:
                assert (await nobody.get("/v1/alerts")).status_code == 401
                assert (await stranger.get(path)).status_code == 404
                assert (await stranger.get("/v1/alerts")).json()["data"] == []
                assert (await stranger.post(f"{path}/acknowledge", json={})).status_code == 404
            async with factory.client(await factory.key("operator")) as operator:
                assert (await operator.get("/v1/alerts")).status_code == 403
            for status, headers in ((412, {"If-Match": '"x"'}), (200, {"If-Match": tag}), (200, {})):
                answer = await client.post(f"{path}/acknowledge", json={"reason": "seen"}, headers=headers)
                assert answer.status_code == status
            assert (answer.json()["state"], answer.json()["version"]) == ("acknowledged", 2)
            assert [a["state"] for a in await alerts(world, factory, client)] == ["acknowledged"]
            await finish(client, order)
            assert await alerts(world, factory, client) == []
            closed = await client.post(f"{path}/acknowledge", json={})
            assert (closed.status_code, closed.json()["code"]) == (409, "invalid_transition")
            kinds = [e["type"] for e in (await client.get("/v1/events?type=alert.*&limit=200")).json()["data"]]
            # The one raised tells that the operator was refused.
            assert [k for k in kinds if k.startswith("alert.") and k != "alert.raised"] == [
                "alert.opened",
                "alert.acknowledged",
                "alert.closed",
            ]

    async def test_what_a_role_may_not_read_is_absent(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            order = await new_order(client, operations=TURN, quantity="1")
            await client.post(
                f"/v1/operations/{order['operations'][0]['id']}/reports", json={"kind": "run", "good": "2"}
            )
            hide = {"resource": "alert", "field": "why", "role": "supervisor", "access": "none"}
            assert (await client.post("/v1/field-policies", json=hide)).status_code == 201
        async with factory.client(await factory.key("supervisor")) as supervisor:
            (alert,) = await alerts(world, factory, supervisor)
            assert "why" not in alert
            assert alert["kind"] == "quantity_exceeded"

    async def test_reading_the_log_again_changes_nothing(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await put(client, "work-centers/m1", state="down")
            order = await new_order(client, operations=[{**TURN[0], "work_centers": ["m2"]}], due_at=soon(minutes=5))
            await published(world, client)
            await client.post(
                f"/v1/operations/{order['operations'][0]['id']}/reports", json={"kind": "run", "good": "99"}
            )
            before = await alerts(world, factory, client)
            assert {a["kind"] for a in before} == {"order_late", "quantity_exceeded"}
            async with world.db.unit_of_work() as uow:
                await world.authenticator.as_system(uow, factory.id, "test")
                await uow.connection.execute("UPDATE reader_cursor SET next_index = 0 WHERE reader = 'exceptions'")
            await new_order(client)
            assert await alerts(world, factory, client) == before
