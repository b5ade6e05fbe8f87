"""`woaas replay`."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cyclopts import App

from woaas._wire import decimal_text

from .config import async_client
from .output import AsJSON, note, pairs, print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from woaas.replay.plan import Plan
    from woaas.replay.sender import Outcome
    from woaas.replay.shopfloor_log import Log

app = App(name="replay", help="Replay a factory's records.")


@app.command
def shopfloor_log(file: Path, *, timezone: str = "UTC", until: str | None = None, as_json: AsJSON = False) -> None:
    """Replay a production log: one work order per case, one report per row, with their real times.

    Machines, workers and parts are put first. It can be interrupted and run again: what is there already is left as
    it is. Rows that cannot be reported are listed with their line and stop nothing.

    Parameters
    ----------
    file
        A CSV file with the columns Case ID, Activity, Resource, Start Timestamp, Complete Timestamp, Work Order Qty,
        Part Desc., Worker ID, Report Type, Qty Completed, Qty Rejected and Qty for MRB.
    timezone
        The zone of its times, as Asia/Shanghai.
    until
        Stop the clock at this time: reports that end later are left out and their orders stay open.
    """
    from woaas.replay.local_time import instants, parse_time
    from woaas.replay.plan import plan
    from woaas.replay.shopfloor_log import read_log

    zone = _zone(timezone)
    stop = None if until is None else instants(parse_time(until), zone)[0]
    with file.open(encoding="utf-8-sig", newline="") as lines:
        log = read_log(lines, zone)
    planned = plan(log, until=stop)
    outcome = asyncio.run(_send(planned, show_progress=not as_json))
    summary = summarise(log, planned, outcome)
    if as_json:
        print_json(summary)
        return
    for bad in log.bad_rows:
        note(f"line {bad.line}: {bad.reason}")
    for refused in outcome.refusals:
        note(f"{refused.what}: {refused.reason}")
    pairs((name, str(len(value)) if isinstance(value, list) else str(value)) for name, value in summary.items())


def summarise(log: Log, planned: Plan, outcome: Outcome) -> dict[str, object]:
    """The figures of a replay: what the log holds within the time given, and what of it was new."""
    reports = planned.reports
    bodies = [report.body for report in reports]
    good = sum((Decimal(body.get("good", 0)) for body in bodies), Decimal())
    scrap = sum((Decimal(body.get("scrap", 0)) for body in bodies), Decimal())
    rework = sum((Decimal(body.get("rework", 0)) for body in bodies), Decimal())
    return {
        "orders": len(planned.orders),
        "operations": planned.operations,
        "reports": len(reports),
        "rows": len(log.rows) + len(log.bad_rows),
        "bad_rows": [{"line": bad.line, "reason": bad.reason} for bad in log.bad_rows],
        "good": decimal_text(good),
        "scrap": decimal_text(scrap),
        "rework": decimal_text(rework),
        "work_centers": len(planned.work_centers),
        "operators": len(planned.operators),
        "materials": len(planned.materials),
        "open_orders": sum(not order.is_complete for order in planned.orders),
        "new_orders": outcome.new_orders,
        "new_reports": outcome.new_reports,
        "known_reports": outcome.known_reports,
        "completed_orders": outcome.completed_orders,
        "refused": [{"what": refused.what, "reason": refused.reason} for refused in outcome.refusals],
    }


async def _send(planned: Plan, *, show_progress: bool) -> Outcome:
    from woaas.replay.sender import Sender

    with _progress(len(planned.reports)) if show_progress else nullcontext(lambda count: None) as advance:
        async with async_client() as client:
            return await Sender(client, planned, advance).send()


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; one is Europe/Berlin or Asia/Shanghai") from None


class _progress:  # used as a function that gives a context
    """A bar on standard error that counts reports."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("reports"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True))
        self._total = total

    def __enter__(self) -> Callable[[int], None]:
        self._bar.__enter__()
        task = self._bar.add_task("reports", total=self._total)
        return lambda count: self._bar.advance(task, count)

    def __exit__(self, *error: object) -> None:
        self._bar.stop()
