"""Policies, scenarios, pins and comparisons through the SDK."""

import json
from datetime import timedelta

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
