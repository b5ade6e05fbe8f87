"""What key figures are computed from, by work center: reported sums, busy time and planned time."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from woaas_core.db.statements import Row
from woaas_work_orders.execution import repository
from woaas_work_orders.execution.kpis import RATIOS, kpi, ratio
from woaas_work_orders.resources import repository as master_data
from woaas_work_orders.resources.calendars import working_times

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

BEGIN, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
# Reports may be of any past; nobody needs planned time further back, and adding up centuries of shifts takes long.
_LONGEST = timedelta(days=3660)
OF_TIME = frozenset({"availability", "effectiveness", "oee", "utilisation"})
NOTHING = {
    name: None
    for name in (
        *("good", "scrap", "rework", "first_good", "first_produced", "standard_good_seconds", "standard_seconds"),
        *("seconds", "setup_seconds", "breakdown_seconds", "run_busy_seconds", "busy_seconds", "planned_seconds"),
    )
}


async def key_figures(
    uow: "UnitOfWork",
    names: Iterable[str],
    since: datetime,
    until: datetime,
    *,
    by_work_center: bool = False,
    work_centers: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """The named figures over ``[since, until)``, over all work centers or some, in one or one for each of them.

    Where a side of the window is left open (``BEGIN``, ``END``), planned time counts from the first or to the last
    report; it counts over the last ten years of the window at most. It is known of work centers in use; one without
    a calendar is planned all the time.
    """
    wanted = list(names)
    reported = [] if RATIOS.keys().isdisjoint(wanted) else await repository.sums(uow, since, until, work_centers)
    sums: Sequence[Row] = reported
    if not OF_TIME.isdisjoint(wanted):
        sums = await _with_time(uow, reported, since, until, work_centers)
    data: list[dict[str, Any]] = []
    for name in wanted:
        if name == "on_time":
            row = await repository.on_time(uow, since, until, work_centers)
            data.append(ratio(name, row["on_time"], row["completed"]))
        else:
            data += kpi(name, sums, by=("work_center",) if by_work_center else ())
    return data


async def planned_times(
    uow: "UnitOfWork", start: datetime, end: datetime, work_centers: Sequence[str] | None = None
) -> dict[str, list[tuple[datetime, datetime]]]:
    """The working times of work centers in use within ``[start, end)``, over the last ten years of it at most."""
    if end - start > _LONGEST:
        start = end - _LONGEST
    calendars = await master_data.in_use(uow, "calendar")
    planned = {r["code"]: working_times(r["body"], start, end) for r in calendars}
    found: dict[str, list[tuple[datetime, datetime]]] = {}
    always = [(start, end)]
    for record in await master_data.in_use(uow, "work_center"):
        if work_centers is None or record["code"] in work_centers:
            calendar = record["body"].get("calendar") or ""
            found[record["code"]] = planned.get(calendar, always)
    return found


async def _with_time(
    uow: "UnitOfWork",
    reported: "Sequence[Record]",
    since: datetime,
    until: datetime,
    work_centers: Sequence[str] | None,
) -> list[dict[str, Any]]:
    busy = await repository.busy(uow, since, until, work_centers)
    merged: dict[str, dict[str, Any]] = {}
    for row in (*reported, *busy):
        merged.setdefault(row["work_center"], dict(NOTHING)).update(row.items())
    start, end = span_of(busy, since, until)
    if start is not None and end is not None:
        # Work centers of one calendar share its times.
        known: dict[int, Decimal] = {}
        for code, times in (await planned_times(uow, start, end, work_centers)).items():
            if id(times) not in known:
                known[id(times)] = seconds(times)
            line = merged.setdefault(code, {"work_center": code, **NOTHING})
            line["planned_seconds"] = known[id(times)]
    return [merged[code] for code in sorted(merged)]


def span_of(
    busy: "Sequence[Record]", since: datetime, until: datetime
) -> tuple[datetime, datetime] | tuple[None, None]:
    """The window, where it is open closed by the first and the last report; nothing where there is none."""
    start = min((row["since"] for row in busy), default=None) if since == BEGIN else since
    end = max((row["until"] for row in busy), default=None) if until == END else until
    return (start, end) if start is not None and end is not None else (None, None)


def seconds(times: Iterable[tuple[datetime, datetime]]) -> Decimal:
    """How long stretches of time are together."""
    return Decimal(sum((end - start for start, end in times), timedelta(0)) // timedelta(microseconds=1)) / 1_000_000
