"""A shop of fifty people and twelve machines through the API: orders, plan, reports, a breakdown and a new plan."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.farm import farm
from fixtures.planning import planned, put
from httpx import AsyncClient

pytestmark = pytest.mark.anyio

KINDS = ("saw", "lathe", "mill", "grinder")
MACHINES = [f"{kind}-{n}" for kind in KINDS for n in (1, 2, 3)]


async def shop(client: AsyncClient) -> None:
    """Two shifts, twelve machines of four kinds, fifty people with one skill or two."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    for code, start, end in (("early", "00:00", "12:00"), ("late", "12:00", "24:00")):
        weekly = [{"day": day, "start": start, "end": end} for day in days]
        await put(client, f"calendars/{code}", time_zone="UTC", weekly=weekly)
    for machine in MACHINES:
        rate = {"amount": "80.00", "currency": "CNY"}
        await put(client, f"work-centers/{machine}", equipment_class=machine[:-2], line="L1", cost_per_hour=rate)
    for n in range(50):
        skills = [KINDS[n % 4], KINDS[(n + 1) % 4]][: 1 + (n % 3 == 0)]
        held = [{"skill": skill, "level": 2} for skill in skills]
        calendar = "early" if n % 2 else "late"
        await put(client, f"operators/P{n:02}", name=f"Person {n}", qualifications=held, calendar=calendar)


async def orders(client: AsyncClient, count: int) -> list[dict[str, Any]]:
    """Orders of three steps each on machines of another kind, all due within two weeks."""
    items = []
    for n in range(count):
        steps = [
            {"name": kind.title(), "work_centers": [m for m in MACHINES if m.startswith(kind)], "skills": [kind],
             "unit_time": f"PT{2 + (n + i) % 4}M", "setup_time": "PT10M"}
            for i, kind in enumerate(KINDS[n % 2 : n % 2 + 3])
        ]  # fmt: skip
        due = (datetime.now(UTC) + timedelta(days=3 + n % 10)).isoformat()
        order = {"product": f"P{n % 5}", "quantity": "20", "priority": 1 + n % 5, "due_at": due, "operations": steps}
        items.append({"key": str(n), "work_order": {**order, "release": True}})
    results = (await client.post("/v1/work-orders/batch", json={"items": items})).json()["results"]
    assert {r["status"] for r in results} == {201}
    return [r["work_order"] for r in results]


async def test_the_whole_story(world: World, factory: Tenant) -> None:
    async with factory.client() as client:
        await shop(client)
        made = await orders(client, 24)
        run = await planned(world, client, policy="balanced", frozen="PT0S")
        assert run["status"] == "finished", run
        plan = (await client.get(f"/v1/schedules/{run['schedule_id']}")).json()
        assert plan["overflow"] == []
        slots = (await client.get(f"/v1/schedules/{plan['id']}/slots?limit=200&sort=start_at")).json()["data"]
        assert len(slots) == 72
        assert {s["operator"] for s in slots} - {None}, "people are planned too"
        assert (await client.post(f"/v1/schedules/{plan['id']}/publish", json={})).is_success

        # The first order is made as planned.
        first = next(o for o in made if o["id"] == slots[0]["work_order_id"])
        for step in first["operations"]:
            place = next(s for s in slots if s["operation_id"] == step["id"])
            who = {"operator": place["operator"], "work_center": place["work_center"]}
            assert (await client.post(f"/v1/operations/{step['id']}/start", json=who)).is_success
            report = {"kind": "run", "good": "20", "started_at": place["start_at"], "ended_at": place["end_at"]}
            assert (await client.post(f"/v1/operations/{step['id']}/reports", json=report)).status_code == 201
            assert (await client.post(f"/v1/operations/{step['id']}/complete", json={})).is_success
        assert (await client.post(f"/v1/work-orders/{first['id']}/complete", json={})).is_success
        (figure,) = (await client.get("/v1/kpis?names=yield&by=policy_version")).json()["data"]
        assert (figure["policy"], figure["unplanned"], figure["numerator"]) == ("balanced", False, "60")

        # A machine with work goes down: an alert, a new plan without it, accepted.
        await world.settle(factory)
        down = next(s["work_center"] for s in slots if s["work_order_id"] != first["id"])
        kind = {"equipment_class": down[:-2], "line": "L1"}
        await put(client, f"work-centers/{down}", state="down", **kind)
        await world.settle(factory)
        alerts = (await client.get("/v1/alerts")).json()["data"]
        assert [(a["kind"], a["subject"]) for a in alerts] == [("work_center_down", down)]
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, factory.id, "test")
            await uow.connection.execute("UPDATE schedule_runs SET not_before = created_at, params = params || "
                                         "'{\"iterations\": 20}'::jsonb WHERE status = 'queued'")  # fmt: skip
        await farm(world.db).run_once()
        await world.settle(factory)
        (proposal,) = (await client.get("/v1/proposals?state=open")).json()["data"]
        assert (await client.post(f"/v1/proposals/{proposal['id']}/accept", json={})).is_success
        await world.settle(factory)
        places = (await client.get(f"/v1/schedules/{proposal['schedule_id']}/slots?limit=200")).json()["data"]
        assert len(places) == 69
        assert down not in {s["work_center"] for s in places}
        assert (await client.get("/v1/alerts")).json()["data"] == []
