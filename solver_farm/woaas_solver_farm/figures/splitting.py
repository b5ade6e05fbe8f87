"""Key figures by the version of a policy or duration model that planned what was reported.

An operation counts for the plan that held when its report ended, if that plan had a place for it; what no plan foresaw
is a line of its own. Planned time counts for the plan that held in it, and as unplanned while none did.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from woaas_solver_farm.figures import rows
from woaas_solver_farm.figures.rows import COLUMNS, Split
from woaas_work_orders.execution.figures import NOTHING, OF_TIME, planned_times, seconds, span_of
from woaas_work_orders.execution.kpis import RATIOS, kpi, ratio

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.statements import Row
    from woaas_core.db.unit_of_work import UnitOfWork

Key = tuple[Any, ...]
Times = Sequence[tuple[datetime, datetime]]


async def split_figures(
    uow: "UnitOfWork", names: Iterable[str], since: datetime, until: datetime, split: Split
) -> list[dict[str, Any]]:
    """The named figures over ``[since, until)``, one line each for what planned the work; ``unplanned`` comes last."""
    wanted = list(names)
    columns = (*COLUMNS[split], "unplanned")
    lines: dict[Key, dict[str, Any]] = {}
    if not RATIOS.keys().isdisjoint(wanted):
        _merge(lines, columns, await rows.sums(uow, split, since, until))
    if not OF_TIME.isdisjoint(wanted):
        busy = await rows.busy(uow, split, since, until)
        _merge(lines, columns, busy)
        await _add_planned(uow, lines, columns, span_of(busy, since, until))
    sums: list[Row] = [lines[key] for key in sorted(lines, key=_order)]
    data: list[dict[str, Any]] = []
    for name in wanted:
        if name == "on_time":
            orders = {tuple(r[c] for c in columns): r for r in await rows.on_time(uow, split, since, until)}
            for key in sorted(orders, key=_order):
                row = orders[key]
                data.append(ratio(name, row["on_time"], row["completed"], **dict(zip(columns, key, strict=True))))
        else:
            data += kpi(name, sums, by=columns)
    return data


def by_plan(times: Times, starts: Sequence[datetime]) -> dict[int, timedelta]:
    """How much of these stretches lies in which reign; -1 is before the first of ``starts``."""
    found: dict[int, timedelta] = {}
    for begin, end in times:
        at, place = begin, bisect_right(starts, begin) - 1
        while at < end:
            until = min(end, starts[place + 1]) if place + 1 < len(starts) else end
            found[place] = found.get(place, timedelta(0)) + (until - at)
            at, place = until, place + 1
    return found


def _merge(lines: dict[Key, dict[str, Any]], columns: Sequence[str], found: "Sequence[Record]") -> None:
    for row in found:
        _line(lines, columns, tuple(row[c] for c in columns)).update(row.items())


def _line(lines: dict[Key, dict[str, Any]], columns: Sequence[str], key: Key) -> dict[str, Any]:
    return lines.setdefault(key, {**NOTHING, **dict(zip(columns, key, strict=True))})


async def _add_planned(
    uow: "UnitOfWork",
    lines: dict[Key, dict[str, Any]],
    columns: Sequence[str],
    span: tuple[datetime, datetime] | tuple[None, None],
) -> None:
    start, end = span
    if start is None or end is None:
        return
    reigns = await rows.reigns(uow)
    starts = [r["since"] for r in reigns]
    shared: dict[int, dict[int, timedelta]] = {}
    for times in (await planned_times(uow, start, end)).values():
        if id(times) not in shared:
            shared[id(times)] = by_plan(times, starts)
        for place, length in shared[id(times)].items():
            key = (
                (*(reigns[place][c] for c in columns[:-1]), False)
                if place >= 0
                else (*_NOBODY[: len(columns) - 1], True)
            )
            line = _line(lines, columns, key)
            line["planned_seconds"] = (line["planned_seconds"] or 0) + seconds([(start, start + length)])


_NOBODY = (None, None)


def _order(key: Key) -> tuple[bool, list[tuple[bool, Any]]]:
    return key[-1], [(part is None, part) if part is not None else (True, 0) for part in key[:-1]]
