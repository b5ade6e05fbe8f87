"""The planner's forecast pool and what-ifs, through the SDK (story D4)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from fixtures.processes import eventually
from fixtures.server import Platform

from woaas import Client
from woaas.types.promises import Promise

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("platform")]

STEPS = [{"name": "Turning", "work_centers": ["m1"], "unit_time": timedelta(minutes=1)}]


def answered(client: Client, promise: Promise) -> Promise:
    """The promise once the planner has answered, which takes longer the first time."""
    found = [promise]

    def is_answered() -> bool:
        found[0] = client.promises.get(promise.id)
        return found[0].state != "pending"

    eventually(is_answered, "the planner answers")
    return found[0]


def test_from_a_forecast_to_a_reserved_promise(platform: Platform) -> None:
    monday = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    with platform.client(platform.new_tenant("Forecasts")["api_key"]) as client:
        client.work_centers.put("m1", name="Lathe")
        client.routings.put("SHAFT", product="SHAFT", operations=STEPS)
        bucket = {"product": "SHAFT", "quantity": 350, "start_at": monday, "end_at": monday + timedelta(days=7)}
        forecast = client.forecasts.create(buckets=[bucket])
        (expected,) = forecast.buckets
        assert (expected.quantity, expected.consumed) == (Decimal(350), Decimal(0))
        assert expected.work_order_id is not None

        # Two rhythms of release, planned apart from the live plan and compared in one call.
        live = {order.id: order.version for order in client.work_orders.list()}
        plans = {}
        for code, rhythm in (("daily", "P1D"), ("weekly", "P7D")):
            client.scenarios.put(code, changes={"release": {"rhythm": rhythm}})
            run = client.schedule_runs.create(scenario=code, include_forecast=True, time_limit=2).wait()
            assert run.schedule_id is not None
            plans[code] = run.schedule_id
        compared = client.schedules.compare(plans["weekly"], plans["daily"])
        figures = compared.metrics
        for figure in (figures.late_orders, figures.setup_time, figures.weighted_tardiness, compared.utilisation):
            assert figure is not None
            assert figure.value is not None
        assert {order.id: order.version for order in client.work_orders.list()} == live
        assert all(schedule.state == "scenario" for schedule in client.schedules.list())

        # A real order uses up what was expected: 350 less 130.
        due = monday + timedelta(days=3)
        client.work_orders.create(product="SHAFT", quantity=130, due_at=due, release=True)
        eventually(lambda: client.forecasts.get(forecast.id).buckets[0].consumed == 130, "the forecast is netted")
        (left,) = client.forecasts.get(forecast.id).buckets
        assert left.work_order_id is not None
        assert client.work_orders.get(left.work_order_id).quantity == Decimal(220)
        assert sum(o.quantity or 0 for o in client.work_orders.list(product="SHAFT", state="released,forecast")) == 350
        assert list(client.billing.usage_events()) == [], "what is only expected is never billed"

        # When could ten more be done? First only asked, then held.
        asked = answered(client, client.promises.create({"product": "SHAFT", "quantity": 10}))
        assert (asked.state, asked.expires_at) == ("offered", None)
        assert asked.promised_at is not None
        held = answered(client, client.promises.create({"product": "SHAFT", "quantity": 10}, mode="reserve"))
        assert held.state == "reserved"
        assert held.expires_at is not None
