"""Operations on the floor: what they wait for, who may run them, rework, reports and their corrections, figures."""

import asyncio
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from fixtures.app import Tenant
from httpx import AsyncClient

pytestmark = pytest.mark.anyio
ORDER: dict[str, Any] = {"product": "P", "quantity": "10", "release": True}


@pytest.fixture
async def client(factory: Tenant) -> Any:
    async with factory.client() as client:
        yield client


async def do(client: AsyncClient, path: str, expected: int = 200, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/{path}", json=body)
    assert answer.status_code == expected, answer.text
    return answer.json()


async def make(client: AsyncClient, *operations: dict[str, Any]) -> tuple[str, list[str]]:
    """A released order's path and its operations' paths."""
    order = await do(client, "work-orders", 201, **ORDER, operations=list(operations) or [{"name": "a"}])
    return f"work-orders/{order['id']}", [f"operations/{o['id']}" for o in order["operations"]]


async def states(client: AsyncClient, order: str) -> list[str]:
    return [o["state"] for o in (await client.get(f"/v1/{order}")).json()["operations"]]


class TestWaiting:
    async def test_for_predecessors(self, client: AsyncClient) -> None:
        order, (a, b, c) = await make(
            client, {"name": "a"}, {"name": "b", "predecessors": []}, {"name": "c", "predecessors": [10, 20]}
        )
        assert await states(client, order) == ["ready", "ready", "pending"]
        refused = await do(client, f"{c}/start", 409)
        assert (refused["code"], refused["allowed_commands"]) == ("invalid_transition", ["cancel", "hold", "skip"])
        await do(client, f"{a}/start")
        await do(client, f"{a}/complete")
        assert await states(client, order) == ["completed", "ready", "pending"]
        await do(client, f"{b}/skip")
        assert await states(client, order) == ["completed", "skipped", "ready"]

    async def test_for_material(self, factory: Tenant, client: AsyncClient) -> None:
        order, (a, b) = await make(
            client,
            {"name": "a", "materials": [{"material": "BAR", "quantity": "10", "unit": "pcs"}]},
            {"name": "b", "materials": [{"material": "BAR", "quantity": "10"}]},
        )
        assert await states(client, order) == ["waiting", "pending"]
        refused = await do(client, f"{a}/start", 409)
        assert (refused["code"], refused["allowed_commands"]) == ("material_missing", ["kit"])
        async with factory.client(await factory.key("quality")) as quality:
            assert (await quality.post(f"/v1/{a}/start")).status_code == 403
        await do(client, f"{b}/kit", lots=[{"lot": "L1", "quantity": "10"}])
        assert await states(client, order) == ["waiting", "pending"]
        assert (await do(client, f"{a}/kit", lots=[{"lot": "L1", "quantity": "10"}]))["state"] == "ready"
        await do(client, f"{a}/start")
        await do(client, f"{a}/complete")
        assert await states(client, order) == ["completed", "ready"]

    async def test_a_hold_that_ends_finds_what_has_changed_meanwhile(self, client: AsyncClient) -> None:
        order, (a, b) = await make(client, {"name": "a"}, {"name": "b"})
        await do(client, f"{b}/hold", reason="look at it")
        await do(client, f"{a}/start")
        await do(client, f"{a}/complete")
        assert await states(client, order) == ["completed", "held"]
        assert (await do(client, f"{b}/resume"))["state"] == "ready"

    async def test_context_shows_the_neighbours(self, client: AsyncClient) -> None:
        _, (a, b, c) = await make(client, {"name": "a"}, {"name": "b"}, {"name": "c", "predecessors": [10, 20]})
        shown = (await client.get(f"/v1/{b}/context")).json()
        assert shown["now"]["name"] == "b"
        assert [[o["name"] for o in shown[part]] for part in ("previous", "next")] == [["a"], ["c"]]
        first = (await client.get(f"/v1/{a}/context")).json()
        assert [[o["name"] for o in first[part]] for part in ("previous", "next")] == [[], ["b", "c"]]
        assert (await client.get(f"/v1/{c}/context")).json()["next"] == []


class TestSkills:
    async def test_only_the_qualified_today_are_assigned_or_start(self, client: AsyncClient) -> None:
        qualifications = {
            "ANN": [{"skill": "weld"}, {"skill": "turn", "valid_from": "2020-01-01", "valid_to": "2199-01-01"}],
            "BOB": [{"skill": "weld"}, {"skill": "turn", "valid_to": "2020-01-01"}],
            "EVE": [{"skill": "weld"}, {"skill": "turn", "valid_from": "2199-01-01"}],
            "JOE": [],
        }
        for code, held in qualifications.items():
            assert (await client.put(f"/v1/operators/{code}", json={"qualifications": held})).status_code == 201
        _, (a,) = await make(client, {"name": "a", "skills": ["weld", "turn"]})
        for code, missing in (
            ("BOB", ["turn"]),
            ("EVE", ["turn"]),
            ("JOE", ["weld", "turn"]),
            ("NOBODY", ["weld", "turn"]),
        ):
            for command in ("assign", "start"):
                refused = await do(client, f"{a}/{command}", 409, operator=code)
                assert (refused["code"], refused["missing"]) == ("skill_missing", missing), (code, command)
        assert (await client.get(f"/v1/{a}")).json()["operator"] is None, "a refusal leaves nothing"
        assert (await do(client, f"{a}/assign", operator="ANN"))["operator"] == "ANN"
        assert (await do(client, f"{a}/start"))["state"] == "running"

    async def test_a_work_center_must_be_one_of_the_operation_s(self, client: AsyncClient) -> None:
        _, (a,) = await make(client, {"name": "a", "work_centers": ["M1", "M2"]})
        refused = await do(client, f"{a}/assign", 422, work_center="M3")
        assert refused["errors"][0]["pointer"] == "/work_center"
        assert (await do(client, f"{a}/assign", work_center="M2"))["work_center"] == "M2"


class TestRework:
    async def test_it_adds_an_operation_behind_a_completed_one(self, client: AsyncClient) -> None:
        order, (a, _) = await make(
            client, {"name": "a", "skills": ["weld"], "work_centers": ["M1"], "unit_time": "PT2M"}, {"name": "b"}
        )
        assert (await do(client, f"{a}/rework", 409))["code"] == "invalid_transition"
        await do(client, f"{a}/start")
        await do(client, f"{a}/complete")
        again = await do(client, f"{a}/rework", reason="burr")
        assert again["rework_of"] == a.removeprefix("operations/")
        assert (again["state"], again["sequence"], again["name"]) == ("ready", 21, "Rework: a")
        assert (again["skills"], again["work_centers"], again["unit_time"]) == (["weld"], ["M1"], "PT2M")
        assert (await do(client, f"{order}/complete", 409))["code"] == "guard_failed"


class TestReports:
    async def test_the_first_starts_a_ready_operation(self, client: AsyncClient) -> None:
        order, (a, b) = await make(client, {"name": "a"}, {"name": "b"})
        assert (await do(client, f"{b}/reports", 409, kind="run"))["code"] == "invalid_transition"
        await do(client, f"{a}/reports", 201, kind="setup")
        assert await states(client, order) == ["running", "pending"]
        assert (await client.get(f"/v1/{order}")).json()["state"] == "running"

    async def test_they_may_overlap_exceed_and_lie_in_the_past(self, client: AsyncClient) -> None:
        _, (a,) = await make(client)
        for _ in range(2):
            shown = await do(
                client, f"{a}/reports", 201, kind="run", good="9", scrap="0.5",
                started_at="2020-01-01T00:00:00Z", ended_at="2020-01-01T08:00:00+08:00",
            )  # fmt: skip
        assert (shown["started_at"], shown["ended_at"]) == ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z")
        assert shown["recorded_at"] > "2025"
        operation = (await client.get(f"/v1/{a}")).json()
        assert (operation["good"], operation["scrap"]) == ("18", "1.0")
        assert (await do(client, f"{a}/reports", 422, kind="run", started_at="2020-01-02T00:00:00Z",
                         ended_at="2020-01-01T00:00:00Z"))["errors"][0]["pointer"] == "/ended_at"  # fmt: skip

    async def test_a_reference_is_used_once(self, client: AsyncClient) -> None:
        _, (a, b) = await make(client, {"name": "a"}, {"name": "b", "predecessors": []})
        body = {"kind": "run", "good": "4", "external_ref": "R-1"}
        first = await client.post(f"/v1/{a}/reports", json=body)
        again = await client.post(f"/v1/{a}/reports", json=body)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert (await client.post(f"/v1/{a}/reports", json={**body, "good": "5"})).status_code == 409
        assert (await client.post(f"/v1/{b}/reports", json=body)).status_code == 409
        assert (await client.get(f"/v1/{a}")).json()["good"] == "4"

    async def test_twins_under_a_reference_are_one_report(self, client: AsyncClient) -> None:
        _, (a,) = await make(client)
        body = {"kind": "run", "good": "4", "external_ref": "R-1"}
        answers = await asyncio.gather(*(client.post(f"/v1/{a}/reports", json=body) for _ in range(6)))
        assert sorted(x.status_code for x in answers) == [200, 200, 200, 200, 200, 201]
        assert len({x.json()["id"] for x in answers}) == 1
        assert (await client.get(f"/v1/{a}")).json()["good"] == "4"

    async def test_concurrent_reports_all_count(self, client: AsyncClient) -> None:
        _, (a,) = await make(client)
        await asyncio.gather(*(do(client, f"{a}/reports", 201, kind="run", good="1.5") for _ in range(10)))
        operation = (await client.get(f"/v1/{a}")).json()
        assert Decimal(operation["good"]) == 15
        assert len((await client.get(f"/v1/{a}/reports")).json()["data"]) == 10


class TestCorrections:
    async def test_the_old_one_stays_and_no_longer_counts(self, client: AsyncClient) -> None:
        _, (a,) = await make(client)
        old = await do(client, f"{a}/reports", 201, kind="run", good="9", external_ref="R-1")
        await do(client, f"{a}/reports", 201, kind="run", good="1")
        path = f"reports/{old['id']}/correct"
        body = {"kind": "run", "good": "7", "scrap": "2", "external_ref": "R-1", "reason": "miscounted"}
        assert (await client.post(f"/v1/{path}", json={**body, "reason": 1})).status_code == 422
        new = await do(client, path, 201, **body)
        assert new["corrects"] == old["id"]
        assert new["external_ref"] == "R-1", "the same document, corrected"
        operation = (await client.get(f"/v1/{a}")).json()
        assert (operation["good"], operation["scrap"]) == ("8", "2")
        listed = (await client.get(f"/v1/{a}/reports")).json()["data"]
        assert {r["id"] for r in listed} >= {old["id"], new["id"]}
        again = await client.post(f"/v1/{path}", json=body)
        assert (again.status_code, again.json()) == (200, new), "the same correction again is the first"
        other = await client.post(f"/v1/{path}", json={**body, "good": "1"})
        assert other.status_code == 409
        assert new["id"] in other.json()["detail"]
        latest = await do(client, f"reports/{new['id']}/correct", 201, kind="run", good="5", reason="again")
        assert latest["corrects"] == new["id"]
        assert (await client.get(f"/v1/{a}")).json()["good"] == "6"
        resent = await client.post(f"/v1/{a}/reports", json={"kind": "run", "good": "9", "external_ref": "R-1"})
        assert (resent.status_code, resent.json()["id"]) == (200, old["id"])

    async def test_a_reason_is_required_and_told(self, client: AsyncClient) -> None:
        order, (a,) = await make(client)
        old = await do(client, f"{a}/reports", 201, kind="run", good="9")
        answer = await client.post(f"/v1/reports/{old['id']}/correct", json={"kind": "run"})
        assert answer.json()["errors"][0] == {
            "pointer": "/reason",
            "code": "required",
            "detail": "'reason' is required.",
        }
        await do(client, f"reports/{old['id']}/correct", 201, kind="run", reason="typo")
        entries = (await client.get(f"/v1/{order}/timeline")).json()["data"]
        assert (entries[-1]["type"], entries[-1]["reason"]) == ("report.corrected", "typo")


class TestInspections:
    async def test_quality_decides_and_a_failed_one_keeps_the_order_open(
        self, factory: Tenant, client: AsyncClient
    ) -> None:
        order, (a,) = await make(client, {"name": "a", "inspection_required": True})
        await do(client, f"{a}/start")
        await do(client, f"{a}/complete")
        assert (await client.get(f"/v1/{order}")).json()["stage"] == "inspection"
        subject = a.removeprefix("operations/")
        async with factory.client(await factory.key("quality")) as quality:
            await do(quality, "inspections", 201, subject=subject, result="fail", note="scratch")
            assert (await do(client, f"{order}/complete", 409))["code"] == "guard_failed"
            made = await do(quality, "inspections", 201, subject=subject, result="pass")
            assert (made["subject"], made["result"]) == (subject, "pass")
            assert [i["result"] for i in (await quality.get("/v1/inspections")).json()["data"]] == ["pass", "fail"]
        async with factory.client(await factory.key("operator")) as operator:
            answer = await operator.post("/v1/inspections", json={"subject": subject, "result": "pass"})
            assert answer.status_code == 403
        assert (await client.get(f"/v1/{order}")).json()["stage"] == "receipt"
        assert (await do(client, f"{order}/complete"))["state"] == "completed"


class TestReceipts:
    async def test_they_are_booked_and_seen_by_who_plans(self, factory: Tenant, client: AsyncClient) -> None:
        order, _ = await make(client)
        assert (await do(client, f"{order}/receipts", 201, quantity="4", lot="L1", location="A-1"))["quantity"] == "4"
        for role in ("planner", "supervisor", "quality", "operator", "developer"):
            async with factory.client(await factory.key(role)) as someone:
                listed = (await someone.get(f"/v1/{order}/receipts")).json()["data"]
                assert [(r["lot"], r["location"]) for r in listed] == [("L1", "A-1")], role


class TestFigures:
    REPORTS = (
        ("M1", "run", "2026-01-05T08:00:00Z", "2026-01-05T10:00:00Z", "90", "8", "2"),
        ("M1", "setup", "2026-01-05T07:30:00Z", "2026-01-05T08:00:00Z", "0", "0", "0"),
        ("M1", "breakdown", "2026-01-05T09:00:00Z", "2026-01-05T09:30:00Z", "0", "0", "0"),
        ("M2", "run", "2026-01-05T08:00:00Z", "2026-01-05T09:00:00Z", "7", "1", "0"),
        ("M2", "run", "2026-01-05T09:00:00Z", "2026-01-06T00:00:00Z", "1000", "0", "0"),
    )

    async def test_they_are_what_a_hand_computes(self, client: AsyncClient) -> None:
        _, (a,) = await make(client)
        made = []
        for work_center, kind, start, end, good, scrap, rework in self.REPORTS:
            made.append(await do(client, f"{a}/reports", 201, kind=kind, work_center=work_center, started_at=start,
                                 ended_at=end, good=good, scrap=scrap, rework=rework))  # fmt: skip
        wrong = await do(client, f"{a}/reports", 201, kind="run", work_center="M1", good="500",
                         started_at="2026-01-05T08:00:00Z", ended_at="2026-01-05T18:00:00Z")  # fmt: skip
        await do(client, f"reports/{wrong['id']}/correct", 201, kind="run", work_center="M1", good="0", reason="typo",
                 started_at="2026-01-05T08:00:00Z", ended_at="2026-01-05T08:00:00Z")  # fmt: skip
        window = "from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z"
        names = "names=yield,setup_share,breakdown_share"
        shown = (await client.get(f"/v1/kpis?{names}&{window}")).json()["data"]
        found = {k["name"]: (k["numerator"], k["denominator"], k["value"]) for k in shown}
        # good 90 + 7 of 90 + 8 + 2 + 7 + 1; minutes 120 + 30 + 30 + 60, what ended at the window's end is outside.
        assert found == {
            "yield": ("97", "108", "0.898148"),
            "setup_share": ("30", "240", "0.125"),
            "breakdown_share": ("30", "240", "0.125"),
        }
        by = (await client.get(f"/v1/kpis?names=yield,setup_share&{window}&by=work_center")).json()["data"]
        assert [(k["name"], k["work_center"], k["numerator"], k["denominator"]) for k in by] == [
            ("yield", "M1", "90", "100"), ("yield", "M2", "7", "8"),
            ("setup_share", "M1", "30", "180"), ("setup_share", "M2", "0", "60")]  # fmt: skip

    async def test_oee_is_what_a_hand_computes_from_calendar_standard_times_and_reports(
        self, client: AsyncClient
    ) -> None:
        day = {"time_zone": "UTC", "weekly": [{"day": "mon", "start": "06:00", "end": "14:00"}]}
        assert (await client.put("/v1/calendars/DAY", json=day)).status_code == 201
        for code, calendar in (("M1", "DAY"), ("M2", "DAY"), ("M3", None)):
            assert (await client.put(f"/v1/work-centers/{code}", json={"name": code, "calendar": calendar})).is_success
        _, (a,) = await make(client, {"name": "a", "unit_time": "PT1M"})
        for work_center, kind, start, end, good, scrap in (
            ("M1", "run", "08:00", "10:00", "90", "10"),
            ("M1", "run", "09:00", "11:00", "20", "0"),  # overlaps: together three hours
            ("M1", "setup", "07:30", "08:00", "0", "0"),
            ("M2", "breakdown", "08:00", "09:00", "0", "0"),
        ):
            await do(client, f"{a}/reports", 201, kind=kind, work_center=work_center, good=good, scrap=scrap,
                     started_at=f"2026-01-05T{start}:00Z", ended_at=f"2026-01-05T{end}:00Z")  # fmt: skip
        names = ("availability", "effectiveness", "yield", "oee", "utilisation")
        window = "from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z"
        lines = (await client.get(f"/v1/kpis?names={','.join(names)}&{window}&by=work_center")).json()["data"]
        of_m1 = {k["name"]: (k["numerator"], k["denominator"]) for k in lines if k["work_center"] == "M1"}
        assert of_m1 == {
            "availability": ("180", "480"),
            "effectiveness": ("120", "180"),
            "yield": ("110", "120"),
            "oee": ("110", "480"),
            "utilisation": ("210", "480"),
        }
        product = Fraction(180, 480) * Fraction(120, 180) * Fraction(110, 120)
        assert product == Fraction(110, 480)
        of_others = {k["work_center"]: k["denominator"] for k in lines if k["name"] == "oee" and k["numerator"] == "0"}
        assert of_others == {"M2": "480", "M3": "1440"}  # without a calendar the whole day is planned
        (plant,) = (await client.get(f"/v1/kpis?names=oee&{window}")).json()["data"]
        assert (plant["numerator"], plant["denominator"]) == ("110", "2400")
        # An hour of the window holds an hour of M1's run; quantities belong to where their report ended.
        window = "from=2026-01-05T08:00:00Z&to=2026-01-05T09:00:00Z"
        (hour,) = (await client.get(f"/v1/kpis?names=availability&{window}")).json()["data"]
        assert (hour["numerator"], hour["denominator"]) == ("60", "180")

    async def test_first_pass_yield_leaves_out_what_rework_reports(self, client: AsyncClient) -> None:
        _, (a,) = await make(client)
        await do(client, f"{a}/reports", 201, kind="run", good="8", scrap="0", rework="2")
        await do(client, f"{a}/complete")
        again = (await do(client, f"{a}/rework", reason="burr"))["id"]
        await do(client, f"operations/{again}/reports", 201, kind="run", good="2")
        shown = (await client.get("/v1/kpis?names=yield,first_pass_yield")).json()["data"]
        assert [(k["numerator"], k["denominator"]) for k in shown] == [("10", "12"), ("8", "10")]

    async def test_on_time_counts_first_completions_against_their_due_date(self, client: AsyncClient) -> None:
        for due in ("2020-01-01T00:00:00Z", "2199-01-01T00:00:00Z", None):
            order = await do(client, "work-orders", 201, **{**ORDER, "due_at": due})
            operation = f"operations/{order['operations'][0]['id']}"
            await do(client, f"{operation}/start")
            await do(client, f"{operation}/complete")
            await do(client, f"work-orders/{order['id']}/complete")
        (shown,) = (await client.get("/v1/kpis?names=on_time")).json()["data"]
        assert (shown["numerator"], shown["denominator"], shown["value"]) == ("2", "3", "0.666667")

    async def test_where_nothing_was_reported_there_is_no_value(self, client: AsyncClient) -> None:
        for figure in (await client.get("/v1/kpis")).json()["data"]:
            assert (figure["numerator"], figure["denominator"], figure["value"]) == ("0", "0", None)
        for query in ("names=zzz", "by=operator", "from=yesterday", "from=2026-01-01T00:00:00", "zzz=1"):
            assert (await client.get(f"/v1/kpis?{query}")).status_code == 400, query
