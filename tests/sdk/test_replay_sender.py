"""Sending a plan to a service in memory that keeps the contract's promises about references."""

import asyncio
import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime

import httpx2
import pytest

import woaas
from woaas import AsyncClient
from woaas.replay.plan import plan
from woaas.replay.sender import Sender
from woaas.replay.shopfloor_log import REQUIRED, read_log


class Factory:
    """A service that stores orders and reports; `fail_after` reports it answers 500 for good."""

    def __init__(self):
        self.masters, self.orders, self.reports, self.log = {}, {}, {}, []
        self.fail_after = None
        self.refused_operator = None

    def __call__(self, request):
        parts = request.url.path.strip("/").split("/")[1:]
        body = json.loads(request.content) if request.content else None
        if request.method == "GET" and len(parts) == 1:
            data = [{"code": code} for kind, code in self.masters if kind == parts[0]]
            return httpx2.Response(200, json={"data": data, "next_cursor": None})
        if request.method == "PUT":
            self.masters[parts[0], parts[1]] = body
            self.log.append(("put", *parts))
            return httpx2.Response(201, json=body)
        if parts == ["work-orders", "batch"]:
            return httpx2.Response(200, json={"results": [self.create(item) for item in body["items"]]})
        if request.method == "GET":
            return httpx2.Response(200, json=self.orders[parts[1]])
        if parts[-1] == "reports":
            return self.report(parts[1], body)
        return self.command(*parts)

    def create(self, item):
        order = item["work_order"]
        key = order["external_ref"]
        if known := self.orders.get(key):
            same = known["body"] == order
            return (
                {"key": item["key"], "status": 200, "work_order": known}
                if same
                else {"key": item["key"], "status": 409, "problem": {"code": "conflict"}}
            )
        operations = [{**one, "id": f"{key}:{one['sequence']}", "state": "ready"} for one in order["operations"]]
        self.orders[key] = {"id": key, "state": "released", "operations": operations, "body": order}
        self.log.append(("create", key))
        return {"key": item["key"], "status": 201, "work_order": self.orders[key]}

    def operation(self, id):
        return next(one for order in self.orders.values() for one in order["operations"] if one["id"] == id)

    def report(self, id, body):
        if body["operator"] == self.refused_operator:
            return httpx2.Response(422, json={"code": "skill_missing", "detail": "not qualified"})
        if self.fail_after is not None and len(self.reports) >= self.fail_after:
            return httpx2.Response(500, json={"code": "internal"})
        if known := self.reports.get(body["external_ref"]):
            return httpx2.Response(200 if known == body else 409, json=known)
        self.reports[body["external_ref"]] = body
        self.operation(id)["state"] = "running"
        self.log.append(("report", id, body["ended_at"]))
        return httpx2.Response(201, json=body)

    def command(self, kind, id, command):
        target = self.orders[id] if kind == "work-orders" else self.operation(id)
        open_operations = [one for one in target.get("operations", []) if one["state"] not in {"completed", "skipped"}]
        allowed = {"complete": {"running", "released"}, "skip": {"ready"}}[command]
        if target["state"] not in allowed or open_operations:
            return httpx2.Response(409, json={"code": "guard_failed", "detail": f"{id} is {target['state']}"})
        target["state"] = {"complete": "completed", "skip": "skipped"}[command]
        self.log.append((command, id))
        return httpx2.Response(200, json=target)


def log(cases=30, rows=4):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(REQUIRED)
    for number in range(rows):
        for case in range(cases):
            start = f"2024-01-{number + 2:02d}T07:00:00"
            end = f"2024-01-{number + 2:02d}T08:00:00"
            writer.writerow(
                [
                    f"Case {case}",
                    f"Step {number // 2}",
                    f"M {case % 3}",
                    start,
                    end,
                    10,
                    "Tube",
                    f"ID{case % 4}",
                    "D",
                    5,
                    0,
                    0,
                ]
            )
    return read_log(io.StringIO(text.getvalue()), UTC)


def send(factory, planned, *, told=lambda count: None):
    async def run():
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(factory))
        async with AsyncClient("k", "http://woaas.test", http_client=http, max_retries=0) as client:
            return await Sender(client, planned, told).send()

    return asyncio.run(run())


def test_everything_arrives_and_is_completed():
    factory, told = Factory(), []
    outcome = send(factory, plan(log()), told=told.append)
    assert (outcome.new_orders, outcome.new_reports, outcome.completed_orders) == (30, 120, 30)
    assert outcome.refusals == []
    assert sum(told) == 120
    assert {order["state"] for order in factory.orders.values()} == {"completed"}
    assert outcome.new_masters == 3 + 4 + 1


def test_a_second_run_changes_nothing():
    factory, planned = Factory(), plan(log())
    send(factory, planned)
    before = list(factory.log)
    outcome = send(factory, planned)
    assert factory.log == before
    assert (outcome.new_masters, outcome.new_orders, outcome.new_reports, outcome.known_reports) == (0, 0, 0, 120)


def test_orders_are_created_in_the_logs_order_and_reports_of_one_in_time():
    factory = Factory()
    send(factory, plan(log()))
    created = [entry[1] for entry in factory.log if entry[0] == "create"]
    assert created == [f"Case {case}" for case in range(30)]
    for case in created:
        ends = [entry[2] for entry in factory.log if entry[0] == "report" and entry[1].startswith(f"{case}:")]
        assert ends == sorted(ends)
        assert len(ends) == 4


def test_a_run_cut_short_is_taken_up():
    factory, planned = Factory(), plan(log())
    factory.fail_after = 50
    with pytest.raises(woaas.ServerError):
        send(factory, planned)
    factory.fail_after = None
    outcome = send(factory, planned)
    assert outcome.new_reports == 70
    assert outcome.refusals == []
    assert len(factory.reports) == 120
    assert Counter(entry[0] for entry in factory.log)["report"] == 120


def test_until_leaves_open_orders_open_and_going_on_finishes_them():
    factory, whole = Factory(), log()
    early = send(factory, plan(whole, until=datetime(2024, 1, 3, 12, tzinfo=UTC)))
    assert (early.new_orders, early.new_reports, early.completed_orders) == (30, 60, 0)
    assert {order["state"] for order in factory.orders.values()} == {"released"}
    assert {one["state"] for order in factory.orders.values() for one in order["operations"]} == {"completed", "ready"}
    late = send(factory, plan(whole))
    assert (late.new_orders, late.new_reports, late.known_reports, late.completed_orders) == (0, 60, 60, 30)


def test_a_refused_report_is_listed_with_its_line_and_stops_nothing():
    factory = Factory()
    factory.refused_operator = "ID1"
    outcome = send(factory, plan(log(cases=4)))
    assert [refusal.what for refusal in outcome.refusals] == ["line 3", "line 7", "line 11", "line 15"]
    assert "skill_missing" in outcome.refusals[0].reason
    assert outcome.completed_orders == 4
    assert [one["state"] for one in factory.orders["Case 1"]["operations"]] == ["skipped", "skipped"]


def test_a_key_that_may_not_ends_the_replay():
    with pytest.raises(woaas.AuthenticationError):
        send(lambda request: httpx2.Response(401, json={"code": "unauthorized"}), plan(log(cases=1)))
