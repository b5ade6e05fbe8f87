"""A replan becomes a proposal: announced, decided on, measured."""

from datetime import datetime
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.entries import BY_HAND
from fixtures.proposals import broken_down, order, planned
from httpx import AsyncClient

pytestmark = pytest.mark.anyio


async def the_proposal(client: AsyncClient) -> dict[str, Any]:
    (listed,) = (await client.get("/v1/proposals")).json()["data"]
    return dict((await client.get(f"/v1/proposals/{listed['id']}")).json())


async def recorded(client: AsyncClient, kind: str) -> list[dict[str, Any]]:
    return list((await client.get(f"/v1/events?type={kind}")).json()["data"])


class TestTheDoor:
    async def test_without_a_key_nothing(self, factory: Tenant) -> None:
        async with factory.client(key="woaas_live_x") as client:
            for method, path in (("GET", ""), ("GET", "/prp_x"), ("POST", "/prp_x/accept"), ("POST", "/prp_x/reject")):
                assert (await client.request(method, f"/v1/proposals{path}", json={})).status_code == 401

    async def test_others_see_nothing_or_less(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client() as client, other.client() as stranger:
            await broken_down(world, factory, client)
            proposal = await the_proposal(client)
            path = f"/v1/proposals/{proposal['id']}"
            assert (await stranger.get(path)).status_code == 404
            assert (await stranger.post(f"{path}/accept", json={})).status_code == 404
            assert (await stranger.post(f"{path}/reject", json={"reason": "no"})).status_code == 404
            assert (await stranger.get("/v1/proposals")).json()["data"] == []
            async with factory.client(await factory.key("operator")) as operator:
                assert (await operator.get(path)).status_code == 200
                assert (await operator.post(f"{path}/accept", json={})).status_code == 403
            async with factory.client(await factory.key("quality")) as quality:
                assert (await quality.get(path)).status_code == 403
            async with factory.client(await factory.key("auditor")) as auditor:
                change = (await auditor.get(path)).json()["changes"][0]
                assert (change["old_operator"], change["new_operator"]) == (None, None)
                assert "/new_operator" in change["masked_fields"]


class TestMaking:
    async def test_a_breakdown_becomes_one_proposal_with_old_and_new_times(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            plan, orders = await broken_down(world, factory, client)
            proposal = await the_proposal(client)
            assert (proposal["state"], proposal["baseline_schedule_id"]) == ("open", plan)
            assert [c["kind"] for c in proposal["causes"]] == ["down"]
            assert proposal["exception_at"] == proposal["causes"][0]["at"]
            assert proposal["response_time"].startswith("PT")
            moved = {c["operation_id"]: c for c in proposal["changes"]}
            assert moved
            for change in moved.values():
                assert change["new_work_center"] == "m2"
                sides = [tuple(change[f"{side}_{n}"] for n in ("work_center", "operator", "start_at", "end_at"))
                         for side in ("old", "new")]  # fmt: skip
                assert sides[0] != sides[1]
            ends = {o["work_order_id"]: o for o in proposal["orders"]}
            assert set(ends) <= {o["id"] for o in orders}
            # One machine for what two did: an order ends later than it was planned to.
            assert max(o["new_end_at"] for o in ends.values()) > max(o["old_end_at"] for o in ends.values())
            (made,) = await recorded(client, "proposal.made")
            assert made["data"]["operations"] == len(moved)

    async def test_every_person_affected_is_told_once(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await broken_down(world, factory, client)
            proposal = await the_proposal(client)
            told = await recorded(client, "proposal.announced")
        people = {c[n] for c in proposal["changes"] for n in ("old_operator", "new_operator")} - {None}
        assert people
        assert len(told) == len(people)
        for event in told:
            assert event["subject"] == proposal["id"]
            assert event["data"]["link"] == f"/v1/proposals/{proposal['id']}"
            assert event["data"]["total"] == len(event["data"]["operations"])
            assert not people & set(str(event["data"]).replace("'", " ").split()), "who it is, not everybody may read"

    async def test_a_plan_that_somebody_asked_for_is_no_proposal(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await client.put("/v1/work-centers/m1", json={})
            await order(client)
            await planned(world, client)
            assert (await client.get("/v1/proposals")).json()["data"] == []


class TestDeciding:
    async def test_accepting_publishes_the_plan(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            _, orders = await broken_down(world, factory, client)
            proposal = await the_proposal(client)
            path = f"/v1/proposals/{proposal['id']}"
            for _ in range(2):
                answer = await client.post(f"{path}/accept", json={"reason": "go"})
                assert (answer.status_code, answer.json()["state"]) == (200, "accepted"), answer.text
            assert (await client.get("/v1/schedules?state=published")).json()["data"][0]["id"] == proposal[
                "schedule_id"
            ]
            refused = await client.post(f"{path}/reject", json={"reason": "no"})
            assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")

            operation = orders[0]["operations"][0]["id"]
            for command in ("start", "complete"):
                body = {"operator": "ann"} if command == "start" else {}
                answer = await client.post(f"/v1/operations/{operation}/{command}", json=body)
                assert answer.status_code == 200, answer.text
            assert (await client.post(f"/v1/work-orders/{orders[0]['id']}/complete", json={})).status_code == 200
            seen = await the_proposal(client)
            done = [o for o in seen["orders"] if o["realised_end_at"]]
            assert [o["work_order_id"] for o in done] == [orders[0]["id"]]
            off = datetime.fromisoformat(done[0]["realised_end_at"]) - datetime.fromisoformat(done[0]["new_end_at"])
            assert done[0]["deviation_minutes"] == pytest.approx(off.total_seconds() / 60, abs=0.01)
            assert (seen["completed_orders"], seen["mean_deviation_minutes"]) == (1, abs(done[0]["deviation_minutes"]))
            assert (seen["reason"], seen["decided_by"][:4]) == ("go", "key_")

    async def test_rejecting_keeps_the_plan_and_the_reason(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            plan, _ = await broken_down(world, factory, client)
            path = f"/v1/proposals/{(await the_proposal(client))['id']}"
            assert (await client.post(f"{path}/reject", json={})).status_code == 422
            answer = await client.post(f"{path}/reject", json={"reason": "The customer waits"})
            assert (answer.json()["state"], answer.json()["reason"]) == ("rejected", "The customer waits")
            assert (await client.get("/v1/schedules?state=published")).json()["data"][0]["id"] == plan
            assert (await client.post(f"{path}/accept", json={})).status_code == 409
            await world.settle(factory, only=())
            assert len(await recorded(client, "proposal.rejected")) == 1

    async def test_it_expires_when_another_plan_is_published(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await broken_down(world, factory, client)
            other = await planned(world, client, seed=7)
            assert (await client.post(f"/v1/schedules/{other}/publish", json={})).status_code == 200
            proposal = await the_proposal(client)
            assert proposal["state"] == "expired"
            assert (await client.post(f"/v1/proposals/{proposal['id']}/accept", json={})).status_code == 409

    async def test_a_plan_changed_before_it_was_published_was_edited(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await broken_down(world, factory, client)
            proposal = await the_proposal(client)
            async with world.db.unit_of_work() as uow:
                await world.authenticator.as_system(uow, factory.id, "test")
                await uow.connection.execute(
                    f"{BY_HAND}; UPDATE schedules SET version = version + 1 WHERE state = 'proposed'"
                )
            schedule = proposal["schedule_id"]
            assert (await client.post(f"/v1/schedules/{schedule}/publish", json={})).status_code == 200
            assert (await the_proposal(client))["state"] == "edited"
