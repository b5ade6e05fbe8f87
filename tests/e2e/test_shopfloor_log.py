"""The main job on a production log: replayed through the public API, then measured against the file itself."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from fixtures.processes import eventually
from fixtures.server import Platform
from fixtures.shopfloor_log import OWN_LOG, Expected, expected, replay, shared_log

from woaas import Client
from woaas.types.schedules import Schedule, Slot
from woaas.types.work_orders import Operation, WorkOrder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("platform")]
# A noon with 48 of the real log's orders open, every one of them begun.
STOP = "2012-03-01T12:00:00"
ENDED = ("completed", "skipped", "cancelled", "aborted")


@dataclass(frozen=True)
class Seen:
    """What a tenant's own figures are at a moment."""

    whole: dict[str, Any]
    by_machine: dict[str, dict[str, Any]]
    done: set[str]
    invoiced_units: Decimal


@dataclass(frozen=True)
class Stopped:
    """The real log with its clock stopped: what the replay said, what was seen, and the plan of what was open."""

    key: str
    summary: dict[str, Any]
    seen: Seen
    open_operations: dict[str, Operation]
    run_status: str | None
    schedule: Schedule
    slots: list[Slot]


def look(client: Client) -> Seen:
    """Read the figures; the usage list holds exactly the orders that are completed, and is what would be invoiced."""
    names = {m.code: m.name for m in client.work_centers.list(limit=200)}
    by_machine: dict[str, dict[str, Any]] = defaultdict(dict)
    for kpi in client.kpis(["yield", "setup_share", "breakdown_share"], by="work_center"):
        by_machine[names[str(kpi.work_center)] or ""][str(kpi.name)] = (kpi.numerator, kpi.denominator, kpi.value)
    done = list(client.work_orders.list(state="completed"))
    # What was written by another process than this client is metered a moment later.
    eventually(lambda: client.billing.usage().processed_orders == len(done), "every completed order is metered")
    usage = list(client.billing.usage_events())
    assert sorted(u.id for u in usage) == sorted(f"{o.id}:processed" for o in done)
    assert {(u.number, u.quantity) for u in usage} == {(o.number, Decimal(1)) for o in done}
    used = client.billing.usage()
    preview = client.billing.preview()
    assert used.processed_orders == len(done)
    assert preview.total == used.amount
    return Seen(
        whole={str(k.name): (k.numerator, k.denominator, k.value) for k in client.kpis()},
        by_machine=dict(by_machine),
        done={str(o.external_ref) for o in done},
        invoiced_units=units(preview.lines),
    )


def units(lines: list[Any]) -> Decimal:
    """How many orders the lines of an invoice charge for, with the free ones."""
    return sum((line.quantity for line in lines), Decimal())


def check(seen: Seen, of_file: Expected) -> None:
    """Every figure of the service is the file's, machine by machine."""
    assert set(seen.by_machine) == set(of_file.by_machine)
    for machine, ratios in {"": of_file.whole, **of_file.by_machine}.items():
        figures = seen.by_machine[machine] if machine else seen.whole
        for name, (above, below) in ratios.items():
            value = (above / below).quantize(Decimal("0.000001")) if below else None
            close = Decimal("0.000001")
            numerator, denominator, shown = figures[name]
            assert abs(numerator - above) < close, (machine, name)
            assert abs(denominator - below) < close, (machine, name)
            assert shown == value, (machine, name)
    assert seen.whole["on_time"][:2] == (len(of_file.done), len(of_file.done))
    assert seen.done == of_file.done
    assert seen.invoiced_units == len(of_file.done)


def check_whole_log(platform: Platform, key: str, log: Path, price: Decimal, tmp_path: Path) -> None:
    """What must hold after a whole log: figures, orders, usage, invoice; a second run changes none; the bundle."""
    of_file = expected(log)
    assert of_file.open_steps == set()
    with platform.client(key) as client:
        check(look(client), of_file)
        again = replay(platform, key, log)
        assert (again["new_orders"], again["new_reports"], again["completed_orders"]) == (0, 0, 0)
        assert again["known_reports"] == again["reports"]
        check(look(client), of_file)

        period = client.billing.preview().period
        assert period is not None
        invoice = client.billing.issue(period=period)
        assert units(invoice.lines) == len(of_file.done)
        assert invoice.total is not None
        assert invoice.total.amount == price
        assert client.billing.issue(period=period).id == invoice.id
        assert [i.id for i in client.billing.invoices()] == [invoice.id]
        assert client.billing.preview().lines == []
        assert len(list(client.billing.usage_events())) == len(of_file.done)
    bundle = tmp_path / "bundle.zip"
    platform.run("woaas", "audit", "export", "--output", str(bundle), key=key)
    assert platform.run("woaas", "audit", "verify", str(bundle)).startswith("ok")


class TestOwnLog:
    def test_it_is_replayed_whole_and_bad_rows_stop_nothing(self, platform: Platform, tmp_path: Path) -> None:
        log = tmp_path / "log.csv"
        log.write_text(OWN_LOG)
        key = platform.new_tenant("Own log")["api_key"]
        summary = replay(platform, key, log)
        assert (summary["orders"], summary["reports"], len(summary["bad_rows"])) == (2, 6, 3)
        assert [row["line"] for row in summary["bad_rows"]] == [8, 9, 10]
        check_whole_log(platform, key, log, Decimal(0), tmp_path)

    def test_the_clock_can_be_stopped_inside_it(self, platform: Platform, tmp_path: Path) -> None:
        log = tmp_path / "log.csv"
        log.write_text(OWN_LOG)
        key = platform.new_tenant("Half a log")["api_key"]
        stop = "2012-01-02T18:00:00"
        summary = replay(platform, key, log, "--until", stop)
        assert (summary["reports"], summary["open_orders"]) == (4, 1)
        with platform.client(key) as client:
            check(look(client), expected(log, until=datetime.fromisoformat(stop)))
            whole = replay(platform, key, log)
            assert (whole["new_reports"], whole["open_orders"]) == (2, 0)
            check(look(client), expected(log))


@pytest.fixture(scope="module")
def real(platform: Platform) -> Stopped:
    """The real log up to the stop, the open orders planned from there, and the plan published."""
    log = shared_log()
    key = platform.new_tenant("Real log")["api_key"]
    summary = replay(platform, key, log, "--until", STOP)
    with platform.client(key) as client:
        seen = look(client)
        start_at = datetime.fromisoformat(STOP).replace(tzinfo=UTC)
        run = client.schedule_runs.create(start_at=start_at, horizon="P7D", time_limit=2, frozen="PT0S")
        run.wait(timeout=240)
        assert run.schedule_id is not None
        schedule = client.schedules.publish(run.schedule_id)
        orders = client.work_orders.list(state=["released", "running"], expand="operations", limit=200)
        return Stopped(
            key=key,
            summary=summary,
            seen=seen,
            open_operations={o.id: o for order in orders for o in open_of(order)},
            run_status=run.status,
            schedule=schedule,
            slots=list(client.schedules.slots(run.schedule_id, limit=200)),
        )


def open_of(order: WorkOrder) -> list[Operation]:
    """The operations of an order that are not over."""
    return [o for o in order.operations if o.state not in ENDED]


def check_no_two_at_once(slots: list[Slot]) -> None:
    """A machine does one thing at a time, but for what ran on it side by side when the clock stopped."""
    for one, other in combinations(slots, 2):
        if one.work_center == other.work_center and not one.reasons == other.reasons == ["running"]:
            assert one.setup_start_at is not None
            assert one.end_at is not None
            assert other.setup_start_at is not None
            assert other.end_at is not None
            assert one.end_at <= other.setup_start_at or other.end_at <= one.setup_start_at, (one, other)


class TestRealLog:
    """Replayed up to a time, planned, and replayed on to its end."""

    def test_stopped_it_has_the_figures_of_the_rows_so_far(self, real: Stopped) -> None:
        of_file = expected(shared_log(), until=datetime.fromisoformat(STOP))
        assert (real.summary["orders"], real.summary["open_orders"], len(of_file.done)) == (157, 48, 109)
        check(real.seen, of_file)
        assert len(real.open_operations) == len(of_file.open_steps)

    def test_all_that_is_open_is_planned_from_there(self, real: Stopped) -> None:
        assert real.run_status == "finished"
        assert real.schedule.state == "published"
        placed = {str(s.operation_id): s for s in real.slots}
        assert len(placed) == len(real.slots)
        overflow = {str(o.operation_id): o.reason for o in real.schedule.overflow}
        assert set(placed) | set(overflow) == set(real.open_operations)
        start_at = datetime.fromisoformat(STOP).replace(tzinfo=UTC)
        end_at = start_at + timedelta(days=7)
        assert (real.schedule.start_at, real.schedule.end_at) == (start_at, end_at)
        for slot in real.slots:
            assert slot.setup_start_at is not None
            assert slot.start_at is not None
            assert slot.end_at is not None
            assert start_at <= slot.setup_start_at <= slot.start_at <= slot.end_at
            assert slot.reasons
            operation = real.open_operations[str(slot.operation_id)]
            assert slot.work_center in operation.work_centers
            assert (operation.planned_work_center, operation.planned_start_at) == (slot.work_center, slot.start_at)
        too_late = [o for o, slot in placed.items() if slot.end_at is not None and slot.end_at > end_at]
        assert overflow == dict.fromkeys(too_late, "after_horizon")
        assert too_late
        check_no_two_at_once(real.slots)

    def test_replayed_on_it_is_complete(self, platform: Platform, real: Stopped, tmp_path: Path) -> None:
        log = shared_log()
        summary = replay(platform, real.key, log)
        assert (summary["orders"], summary["reports"], summary["bad_rows"]) == (157, 3515, [])
        assert (summary["new_orders"], summary["completed_orders"], summary["open_orders"]) == (0, 48, 0)
        # The first 10 are free, the next 90 cost 2.00 each, the other 57 1.50.
        check_whole_log(platform, real.key, log, Decimal("265.50"), tmp_path)
