"""What a log comes to as work orders: pure, so the same file always makes the same plan."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from woaas.types.work_orders import OperationFields, ReportFields, ReportKind, WorkOrderInput

from .shopfloor_log import Log, Row

LONGEST_REFERENCE = 64
LONGEST_CODE = 64


@dataclass(frozen=True)
class Named:
    """A machine, worker or part: its code, and its name in the log."""

    code: str
    name: str


@dataclass(frozen=True)
class PlannedReport:
    """One report on the operation of a sequence number; `line` says where it is in the file."""

    line: int
    sequence: int
    body: ReportFields


@dataclass(frozen=True)
class PlannedCompletion:
    """An operation whose last report is in."""

    sequence: int


@dataclass(frozen=True)
class PlannedOrder:
    """One case of the log: the order, what happens to it in order, and whether that is all."""

    case: str
    body: WorkOrderInput
    steps: tuple[PlannedReport | PlannedCompletion, ...]
    is_complete: bool

    @property
    def reports(self) -> list[PlannedReport]:
        """The reports alone."""
        return [step for step in self.steps if isinstance(step, PlannedReport)]


@dataclass(frozen=True)
class Plan:
    """Everything to send, each kind in order of first appearance."""

    work_centers: tuple[Named, ...]
    operators: tuple[Named, ...]
    materials: tuple[Named, ...]
    orders: tuple[PlannedOrder, ...]

    @property
    def reports(self) -> list[PlannedReport]:
        """Every report, order by order."""
        return [report for order in self.orders for report in order.reports]

    @property
    def operations(self) -> int:
        """How many operations the orders have together."""
        return sum(len(order.body.get("operations", ())) for order in self.orders)


def plan(log: Log, *, until: datetime | None = None) -> Plan:
    """One work order per case, its operations in order of first appearance, its reports by their end.

    With `until` the clock stops there: reports that end later are left out, and so are the completions of operations
    and orders that have any. Orders are planned whole either way, so going on later changes none of them.
    """
    work_centers = codes(row.resource for row in log.rows)
    operators = codes(row.worker for row in log.rows)
    materials = codes(row.part for row in log.rows)
    cases: dict[str, list[Row]] = {}
    for row in log.rows:
        cases.setdefault(row.case, []).append(row)
    orders = [_order(rows, work_centers, operators, materials, until) for rows in cases.values()]
    return Plan(_named(work_centers), _named(operators), _named(materials), tuple(orders))


def codes(names: Iterable[str]) -> dict[str, str]:
    """A code for each name, in order of first appearance.

    Two names never share one, also not by case.
    """
    given: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        stem = slug(name)
        code, number = stem, 1
        while code.lower() in taken:
            number += 1
            code = f"{stem[: LONGEST_CODE - len(str(number)) - 1]}-{number}"
        taken.add(code.lower())
        given[name] = code
    return given


def slug(name: str) -> str:
    """The code a name suggests: `Machine 4 - Turning & Milling` is `machine-4-turning-milling`, `ID4932` stays."""
    is_identifier = re.fullmatch(rf"(?=.*\d)[\w.-]{{1,{LONGEST_CODE}}}", name) is not None
    if is_identifier:
        return name
    words = re.sub(r"[\W_]+", "-", name.lower()).strip("-")
    return words[:LONGEST_CODE].rstrip("-") or f"x-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def reference(row: Row) -> str:
    """A row's own reference: its content and which of its equals it is, hashed when that is long."""
    text = f"{row.content}#{row.occurrence}"
    return text if len(text) <= LONGEST_REFERENCE else hashlib.sha256(text.encode()).hexdigest()


def _order(
    rows: Sequence[Row],
    work_centers: dict[str, str],
    operators: dict[str, str],
    materials: dict[str, str],
    until: datetime | None,
) -> PlannedOrder:
    activities: dict[str, list[Row]] = {}
    for row in rows:
        activities.setdefault(row.activity, []).append(row)
    sequences = {activity: 10 * (place + 1) for place, activity in enumerate(activities)}
    first = rows[0]
    body: WorkOrderInput = {
        "type": "production",
        "title": f"{first.part}, {first.case}",
        "product": materials[first.part],
        "quantity": first.order_quantity,
        "external_ref": first.case,
        "operations": [
            _operation(sequences[activity], of_it, first.order_quantity, work_centers)
            for activity, of_it in activities.items()
        ],
        "release": True,
    }
    sent = [row for row in rows if until is None or row.ended_at <= until]
    left = {activity: len(of_it) for activity, of_it in activities.items()}
    steps: list[PlannedReport | PlannedCompletion] = []
    for row in sorted(sent, key=lambda row: (row.ended_at, row.line)):
        steps.append(PlannedReport(row.line, sequences[row.activity], _report(row, work_centers, operators)))
        left[row.activity] -= 1
        if not left[row.activity]:
            steps.append(PlannedCompletion(sequences[row.activity]))
    return PlannedOrder(first.case, body, tuple(steps), is_complete=len(sent) == len(rows))


def _operation(
    sequence: int, rows: Sequence[Row], order_quantity: Decimal, work_centers: dict[str, str]
) -> OperationFields:
    """One step; its planned times are what the log took in all, so that open orders can be scheduled."""
    operation: OperationFields = {
        "sequence": sequence,
        "name": rows[0].activity,
        "work_centers": [work_centers[resource] for resource in dict.fromkeys(row.resource for row in rows)],
        "predecessors": [],
    }
    setup_s = _seconds(rows, "setup")
    unit_s = math.ceil(_seconds(rows, "run") / order_quantity)
    if setup_s:
        operation["setup_time"] = timedelta(seconds=setup_s)
    if unit_s:
        operation["unit_time"] = timedelta(seconds=unit_s)
    return operation


def _report(row: Row, work_centers: dict[str, str], operators: dict[str, str]) -> ReportFields:
    return {
        "kind": cast("ReportKind", row.kind),
        "good": row.good,
        "scrap": row.scrap,
        "rework": row.rework,
        "operator": operators[row.worker],
        "work_center": work_centers[row.resource],
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "external_ref": reference(row),
    }


def _seconds(rows: Iterable[Row], kind: str) -> int:
    return sum(round((row.ended_at - row.started_at).total_seconds()) for row in rows if row.kind == kind)


def _named(given: dict[str, str]) -> tuple[Named, ...]:
    return tuple(Named(code, name) for name, code in given.items())
