"""Key figures beside another window, by what planned the work, beside what was charged, and of pilots."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.entries import BY_HAND
from fixtures.planning import new_order, planned, put
from httpx import AsyncClient

from woaas_billing.figures import saved_by_currency
from woaas_solver_farm.figures.splitting import by_plan

pytestmark = pytest.mark.anyio

NOW = datetime.now(UTC).replace(microsecond=0)
BEFORE = {"compare_from": "2026-01-01T00:00:00Z", "compare_to": "2026-02-01T00:00:00Z"}
AFTER = {"from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}


def at(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).isoformat()


async def report(client: AsyncClient, operation: str, **fields: Any) -> None:
    body = {"kind": "run", "good": "0", **fields}
    answer = await client.post(f"/v1/operations/{operation}/reports", json=body)
    assert answer.status_code == 201, answer.text


async def held_since(world: World, factory: Tenant, moment: datetime) -> None:
    """Let the plan in force have been published earlier."""
    async with world.db.unit_of_work() as uow:
        await world.authenticator.as_system(uow, factory.id, "test")
        await uow.connection.execute(BY_HAND)
        await uow.connection.execute("UPDATE schedules SET published_at = $1 WHERE state = 'published'", moment)


async def figures(client: AsyncClient, **query: str) -> list[dict[str, Any]]:
    answer = await client.get("/v1/kpis", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


class TestBeforeAndAfter:
    async def test_the_same_figure_stands_beside_the_other_window_s(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = await new_order(client)
            step = order["operations"][0]["id"]
            for month, good, scrap, minutes in (("01", "6", "4", "30"), ("02", "9", "1", "15")):
                day = f"2026-{month}-05T08"
                await report(client, step, work_center="m1", good=good, scrap=scrap,
                             started_at=f"{day}:00:00Z", ended_at=f"{day}:45:00Z")  # fmt: skip
                await report(client, step, kind="setup", work_center="m1",
                             started_at=f"{day}:00:00Z", ended_at=f"{day}:{minutes}:00Z")  # fmt: skip
            await report(client, step, work_center="m9", good="1", started_at="2026-01-06T08:00:00Z",
                         ended_at="2026-01-06T09:00:00Z")  # fmt: skip
            found = await figures(client, names="yield,setup_share", by="work_center", **AFTER, **BEFORE)
            lines = {(k["name"], k["work_center"]): k for k in found}
            of_m1 = lines["yield", "m1"]
            assert (of_m1["numerator"], of_m1["denominator"], of_m1["value"]) == ("9", "10", "0.9")
            assert of_m1["compared"] == {"numerator": "6", "denominator": "10", "value": "0.6"}
            assert of_m1["change"] == "0.3"
            # What only the other window has is there too.
            assert lines["yield", "m9"]["compared"]["numerator"] == "1"
            assert (lines["yield", "m9"]["value"], lines["yield", "m9"]["change"]) == (None, None)
            share = lines["setup_share", "m1"]
            assert (share["numerator"], share["denominator"]) == ("15", "60")
            assert (share["compared"]["numerator"], share["compared"]["denominator"]) == ("30", "75")
            for wrong in ({"compare_from": "2026-01-01T00:00:00Z"}, {"names": "roi"}, {"by": "policy"}):
                assert (await client.get("/v1/kpis", params=wrong)).status_code == 400, wrong

    async def test_the_return_is_saved_set_up_against_what_was_invoiced(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await put(client, "work-centers/m1", cost_per_hour={"amount": "120.00", "currency": "CNY"})
            order = await new_order(client)
            step = order["operations"][0]["id"]
            # Two fifths of the time were set-up, now it is a fifth: an hour in five saved, at 120 an hour.
            for month, setup in (("01", 2), ("02", 1)):
                day = f"2026-{month}-05T"
                await report(client, step, kind="setup", work_center="m1", started_at=f"{day}08:00:00Z",
                             ended_at=f"{day}{8 + setup:02}:00:00Z")  # fmt: skip
                await report(client, step, work_center="m1", good="1", started_at=f"{day}{8 + setup:02}:00:00Z",
                             ended_at=f"{day}13:00:00Z")  # fmt: skip
            (line,) = await figures(client, names="roi", **AFTER, **BEFORE)
            assert (line["currency"], line["numerator"], line["denominator"]) == ("CNY", "120", "0")
            assert line["value"] is None, "nothing was charged"
            # Without the right to see invoices there is no return.
            async with factory.client(await factory.key("quality")) as quality:
                asked = {"names": "roi", **AFTER, **BEFORE}
                assert (await quality.get("/v1/kpis", params=asked)).status_code == 403

    async def test_what_was_saved_is_computed_by_hand(self) -> None:
        now = [{"work_center": "a", "seconds": 36000, "setup_seconds": 3600}, {"work_center": "new", "seconds": 9}]
        before = [{"work_center": "a", "seconds": 7200, "setup_seconds": 1800}]
        rates = {"a": {"amount": "60.00", "currency": "EUR"}, "new": {"amount": "1.00", "currency": "EUR"}}
        # A quarter of ten hours is two and a half; one was taken.
        assert saved_by_currency(now, before, rates) == {"EUR": Decimal(90)}  # type: ignore[arg-type]
        assert saved_by_currency(now, before, {"a": None}) == {}  # type: ignore[arg-type]


class TestByVersion:
    async def test_work_counts_for_the_plan_that_held_when_it_was_done(self, world: World, factory: Tenant) -> None:
        goals = {"terms": [{"metric": "makespan"}]}
        async with factory.client() as client:
            await put(client, "work-centers/m1")
            await put(client, "work-centers/m2")
            orders = []
            for published, version in ((-4, 1), (-2, 2)):
                await put(client, "policies/own", objective=goals, name=f"v{version}")
                orders.append(await new_order(client))
                run = await planned(world, client, policy="own")
                assert (await client.post(f"/v1/schedules/{run['schedule_id']}/publish", json={})).is_success
                await held_since(world, factory, NOW + timedelta(hours=published))
            late = await new_order(client)
            first, second = orders[0]["operations"][0]["id"], orders[1]["operations"][0]["id"]
            # Under the first plan, under the second (which has the first order too), and what no plan has.
            await report(client, first, good="5", scrap="5", started_at=at(-4), ended_at=at(-3))
            await report(client, first, good="8", scrap="2", started_at=at(-2), ended_at=at(-1))
            await report(client, second, good="10", started_at=at(-2), ended_at=at(-1))
            await report(client, second, good="1", started_at=at(-4), ended_at=at(-3))  # not in the first plan yet
            await report(client, late["operations"][0]["id"], good="2", started_at=at(-2), ended_at=at(-1))
            await report(client, first, good="4", started_at=at(-6), ended_at=at(-5))  # before any plan
            window = {"from": at(-6), "to": at(0)}
            found = await figures(client, names="yield", by="policy_version", **window)
            lines = [(k["policy_version"], k["unplanned"], k["numerator"], k["denominator"]) for k in found]
            assert lines == [(1, False, "5", "10"), (2, False, "18", "20"), (None, True, "7", "7")]
            (whole,) = await figures(client, names="yield", **window)
            assert (whole["numerator"], whole["denominator"]) == ("30", "37"), "the lines add up"
            found = await figures(client, names="utilisation", by="policy_version", **window)
            # Two machines without a calendar: two hours of no plan, two under the first, two under the second.
            assert [(k["policy_version"], k["denominator"]) for k in found] == [(1, "240"), (2, "240"), (None, "240")]
            models = await figures(client, names="yield,on_time", by="duration_model_version", **window)
            assert [(k["duration_model_version"], k["unplanned"], k["numerator"]) for k in models] == [
                (None, False, "23"), (None, True, "7")]  # fmt: skip

    def test_time_is_split_where_plans_begin(self) -> None:
        hour = timedelta(hours=1)
        times = [(NOW, NOW + 3 * hour), (NOW + 5 * hour, NOW + 6 * hour)]
        assert by_plan(times, []) == {-1: 4 * hour}
        assert by_plan(times, [NOW + hour, NOW + 4 * hour]) == {-1: hour, 0: 2 * hour, 1: hour}
        assert by_plan(times, [NOW - hour]) == {0: 4 * hour}


PILOT = {
    "name": "Line 1",
    "line": "L1",
    "starts_at": AFTER["from"],
    "ends_at": AFTER["to"],
    "baseline": {"starts_at": BEFORE["compare_from"], "ends_at": BEFORE["compare_to"]},
    "targets": [
        {"name": "yield", "at_least": "0.85"},
        {"name": "setup_share", "at_most": "0.1"},
        {"name": "on_time", "at_least": "0.9"},
    ],
}


class TestPilots:
    async def test_its_report_says_which_targets_it_meets(self, factory: Tenant) -> None:
        async with factory.client() as client:
            await put(client, "work-centers/m1", line="L1")
            await put(client, "work-centers/m2", line="L2")
            step = (await new_order(client))["operations"][0]["id"]
            for month, good, center in (("01", "6", "m1"), ("02", "9", "m1"), ("02", "1", "m2")):
                day = f"2026-{month}-05T08"
                await report(client, step, work_center=center, good=good, scrap=str(10 - int(good)),
                             started_at=f"{day}:00:00Z", ended_at=f"{day}:45:00Z")  # fmt: skip
                await report(client, step, kind="setup", work_center=center,
                             started_at=f"{day}:00:00Z", ended_at=f"{day}:15:00Z")  # fmt: skip
            assert (await client.put("/v1/pilots/first", json=PILOT)).status_code == 201
            shown = (await client.get("/v1/pilots/first/report")).json()
            assert (shown["work_centers"], shown["line"]) == (["m1"], "L1")
            lines = {line["name"]: line for line in shown["data"]}
            assert (lines["yield"]["numerator"], lines["yield"]["denominator"]) == ("9", "10")
            assert lines["yield"]["compared"] == {"numerator": "6", "denominator": "10", "value": "0.6"}
            assert (lines["yield"]["met"], lines["yield"]["target"]["at_least"]) == (True, "0.85")
            assert (lines["setup_share"]["value"], lines["setup_share"]["met"]) == ("0.25", False)
            assert lines["on_time"]["met"] is None, "no order was completed"
            assert "met" not in lines["oee"]
            assert (shown["targets"], shown["targets_met"]) == (3, 1)
            named = {n: v for n, v in PILOT.items() if n != "line"}
            await put(client, "pilots/other", **named, work_centers=["m2"])
            shown = (await client.get("/v1/pilots/other/report")).json()
            assert {line["name"]: line["numerator"] for line in shown["data"]}["yield"] == "1"

    async def test_a_running_one_is_told_up_to_now(self, factory: Tenant) -> None:
        async with factory.client() as client:
            body = {**PILOT, "starts_at": at(-1), "ends_at": at(24)}
            await put(client, "pilots/running", **body)
            until = (await client.get("/v1/pilots/running/report")).json()["window"]["to"]
            assert NOW <= datetime.fromisoformat(until) < NOW + timedelta(hours=1)

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"work_centers": ["m1"]}, "/line"),
            ({"ends_at": AFTER["from"]}, "/ends_at"),
            ({"baseline": {"starts_at": AFTER["to"], "ends_at": AFTER["from"]}}, "/baseline/ends_at"),
            ({"targets": [{"name": "yield"}]}, "/targets/0/at_least"),
            ({"targets": [{"name": "luck", "at_least": "1"}]}, "/targets/0/name"),
            ({"targets": [{"name": "yield", "at_least": 0.9}]}, "/targets/0/at_least"),
        ],
    )
    async def test_what_makes_no_sense_is_refused(self, factory: Tenant, change: dict[str, Any], pointer: str) -> None:
        async with factory.client() as client:
            answer = await client.put("/v1/pilots/odd", json=PILOT | change)
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)

    async def test_who_may_see_one(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client() as client, other.client() as stranger:
            await put(client, "pilots/first", **PILOT)
            assert (await stranger.get("/v1/pilots/first/report")).status_code == 404
        async with factory.client(key="woaas_live_x") as client:
            assert (await client.get("/v1/pilots/first/report")).status_code == 401
        async with factory.client(await factory.key("operator")) as client:
            assert (await client.get("/v1/pilots/first/report")).status_code == 403
        async with factory.client() as client:
            hide = {"resource": "pilot", "field": "baseline", "role": "supervisor", "access": "none"}
            assert (await client.post("/v1/field-policies", json=hide)).status_code == 201
        async with factory.client(await factory.key("supervisor")) as client:
            assert "baseline" not in (await client.get("/v1/pilots/first")).json()
            assert (await client.get("/v1/pilots/first/report")).status_code == 403
