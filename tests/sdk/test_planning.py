"""Policies, scenarios, pins, comparisons, figures, pilots and alerts through the SDK."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx2

from woaas import Client


def asked(answer: dict[str, object]) -> tuple[Client, list[httpx2.Request]]:
    """A client of a service that answers the same each time, and what it was asked."""
    seen: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=answer)

    return Client("k", "http://woaas.test", http_client=httpx2.Client(transport=httpx2.MockTransport(handle))), seen


def test_a_policy_is_put_with_durations_and_read_back():
    goals = {"mode": "lexicographic", "terms": [{"metric": "late_orders", "weight": 1}]}
    client, seen = asked({"id": "pol_1", "code": "strict", "version": 2, "objective": goals, "frozen": "PT2H"})
    policy = client.policies.put("strict", objective=goals, frozen=timedelta(hours=2))
    assert (seen[0].method, seen[0].url.path) == ("PUT", "/v1/policies/strict")
    assert json.loads(seen[0].content) == {"code": "strict", "objective": goals, "frozen": "PT2H"}
    assert (policy.version, policy.frozen) == (2, timedelta(hours=2))
    assert policy.objective.terms[0].metric == "late_orders"


def test_a_scenario_is_planned_by_its_code():
    client, seen = asked({"id": "run_1", "status": "queued", "scenario": "scn_1"})
    assert client.schedule_runs.create(scenario="twin").scenario == "scn_1"
    assert json.loads(seen[0].content) == {"scenario": "twin"}


def test_plans_are_compared_and_places_pinned():
    figure = {"value": 30, "other": 120, "change": -90}
    client, seen = asked({"schedule_id": "sch_1", "with": "fifo", "metrics": {"setup_time": figure}, "orders": []})
    assert client.schedules.compare("sch_1", "fifo").metrics.setup_time.change == -90
    client.schedules.pin("sch_1", "slt_1", reason="watched")
    assert [str(r.url.raw_path, "ascii") for r in seen] == [
        "/v1/schedules/sch_1/compare?with=fifo",
        "/v1/schedules/sch_1/slots/slt_1/pin",
    ]


def test_late_orders_carry_their_chain():
    link = {"operation_id": "op_1", "reasons": ["machine:m1"], "cause_operation_id": None, "number": "WO-1"}
    late = {"work_order_id": "wo_1", "lateness_minutes": 65, "chain": [link], "links_left_out": 0}
    client, _ = asked({"data": [late], "next_cursor": None})
    (order,) = client.schedules.late_orders("sch_1")
    assert (order.lateness_minutes, order.chain[0].number) == (65, "WO-1")


def test_figures_are_compared_and_split():
    compared = {"numerator": "6", "denominator": "10", "value": "0.6"}
    line = {"name": "yield", "policy": "own", "policy_version": 2, "unplanned": False, "numerator": "9",
            "denominator": "10", "value": "0.9", "compared": compared, "change": "0.3"}  # fmt: skip
    client, seen = asked({"data": [line]})
    since = datetime(2026, 1, 1, tzinfo=UTC)
    (kpi,) = client.kpis(["yield"], by="policy_version", compare_since=since, compare_until=since)
    assert (kpi.change, kpi.compared.value, kpi.policy_version) == (Decimal("0.3"), Decimal("0.6"), 2)
    assert seen[0].url.params["compare_from"] == seen[0].url.params["compare_to"] == "2026-01-01T00:00:00Z"


def test_a_pilot_is_put_and_reported():
    figure = {"name": "oee", "numerator": "74", "denominator": "100", "value": "0.74", "met": True,
              "target": {"at_least": "0.74", "at_most": None}}  # fmt: skip
    client, seen = asked({"code": "first", "pilot": "first", "data": [figure], "targets": 1, "targets_met": 1})
    begin = datetime(2026, 2, 1, tzinfo=UTC)
    window = {"starts_at": datetime(2026, 1, 1, tzinfo=UTC), "ends_at": begin}
    targets = [{"name": "oee", "at_least": Decimal("0.74")}]
    client.pilots.put("first", line="L1", starts_at=begin, ends_at=begin, baseline=window, targets=targets)
    assert json.loads(seen[0].content)["targets"] == [{"name": "oee", "at_least": "0.74"}]
    report = client.pilots.report("first")
    assert (report.data[0].met, report.data[0].target.at_least) == (True, Decimal("0.74"))


def test_alerts_are_read_and_acknowledged():
    alert = {"id": "alr_1", "kind": "proposal_waiting", "state": "open", "response_time": "PT2M"}
    client, seen = asked({**alert, "data": [alert], "next_cursor": None})
    (found,) = client.alerts.list(kind="proposal_waiting")
    assert found.response_time == timedelta(minutes=2)
    client.alerts.acknowledge("alr_1", reason="seen")
    assert seen[1].url.path == "/v1/alerts/alr_1/acknowledge"
