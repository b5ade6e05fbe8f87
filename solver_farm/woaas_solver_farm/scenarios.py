"""Scenarios: a named set of changes over the live plant, planned apart from it. Pure: it changes snapshots only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.durations import parse_duration
from woaas_core.ids import encode_id
from woaas_core.wire import Body, Code, DurationText, Instant, Name, Quantity, Text, duration_of, given, invalid, utc
from woaas_solver_farm.snapshot import Snapshot
from woaas_work_orders.orders.entities import Operation, WorkOrder
from woaas_work_orders.orders.inputs import NewWorkOrder, Priority
from woaas_work_orders.resources.kinds import CalendarException, Record, Shift, master_kind

_SHORTEST_RHYTHM = timedelta(minutes=1)

Planned = tuple[WorkOrder, Sequence[Operation]]
OrderKey = Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="A work order's id or number")]


class Release(Body, kw_only=True):
    """Another rhythm of release for what has not begun: everything ``delay`` later, or ``orders`` at each beat.

    At the k-th beat, ``k * every`` after the plan's start, the next orders by priority and due time are let in. With a
    ``rhythm`` orders come in at its multiples after the plan's start only: P7D once a week, P1D once a day.
    """

    delay: DurationText | UnsetType = UNSET
    rhythm: DurationText | UnsetType = UNSET
    every: DurationText | UnsetType = UNSET
    orders: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1


class WorkCenterChange(Body, kw_only=True):
    """A work center as it would be; one that is not there is added and may do all that ``like`` may."""

    code: Code
    like: Code | UnsetType = UNSET
    state: Literal["up", "down", "maintenance"] | UnsetType = UNSET
    calendar: Code | None | UnsetType = UNSET
    initial_setup_group: Code | None | UnsetType = UNSET


class OperatorChange(Body, kw_only=True):
    """A person as he would work; one that is not there is added with the skills of ``like``."""

    code: Code
    like: Code | UnsetType = UNSET
    calendar: Code | None | UnsetType = UNSET


class CalendarChange(Body, kw_only=True):
    """Shifts that a calendar would have beside its own, and dates that would differ."""

    code: Code
    shifts: Annotated[list[Shift], msgspec.Meta(max_length=100)] = []
    exceptions: Annotated[list[CalendarException], msgspec.Meta(max_length=400)] = []


class OrderChange(Body, kw_only=True):
    """An open order as it would be."""

    work_order: OrderKey
    due_at: Instant | None | UnsetType = UNSET
    earliest_start_at: Instant | None | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    quantity: Quantity | UnsetType = UNSET


class AddedOrder(Body, kw_only=True):
    """An order that would come in, ``count`` times."""

    work_order: NewWorkOrder
    count: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class Changes(Body, kw_only=True):
    """What differs from the live plant; everything else is as it is when the scenario is planned."""

    release: Release | UnsetType = UNSET
    work_centers: Annotated[list[WorkCenterChange], msgspec.Meta(max_length=200)] = []
    operators: Annotated[list[OperatorChange], msgspec.Meta(max_length=500)] = []
    calendars: Annotated[list[CalendarChange], msgspec.Meta(max_length=100)] = []
    orders: Annotated[list[OrderChange], msgspec.Meta(max_length=5000)] = []
    removed: Annotated[list[OrderKey], msgspec.Meta(max_length=5000)] = []
    added: Annotated[list[AddedOrder], msgspec.Meta(max_length=200)] = []


class Scenario(Record, kw_only=True):
    """A what-if: changes over the live plant. Its plans bind nobody and can be compared."""

    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    changes: Changes


def _check(_: str, scenario: Scenario) -> None:
    changes = scenario.changes
    if isinstance(changes.release, Release):
        for name in ("delay", "every", "rhythm"):
            if getattr(changes.release, name) is not UNSET:
                length = duration_of(getattr(changes.release, name), f"/changes/release/{name}")
                if name == "rhythm" and length < _SHORTEST_RHYTHM:
                    raise invalid("/changes/release/rhythm", "invalid", "From PT1M.")
    for i, change in enumerate(changes.orders):
        for name in ("due_at", "earliest_start_at"):
            if getattr(change, name) is not UNSET:
                setattr(change, name, utc(getattr(change, name), f"/changes/orders/{i}/{name}"))
        if change.quantity is not UNSET and Decimal(change.quantity) <= 0:
            raise invalid(f"/changes/orders/{i}/quantity", "invalid", "The quantity must be above zero.")
    for name in ("work_centers", "operators", "calendars"):
        codes = [change.code for change in getattr(changes, name)]
        for i, code in enumerate(codes):
            if code in codes[:i]:
                raise invalid(f"/changes/{name}/{i}/code", "invalid", f"{code!r} is there twice.")


SCENARIO = master_kind("scenarios", "scenario", "scn", Scenario, check=_check, keeps_versions=True)


def imagined(key: str, *parts: object) -> UUID:
    """The id of something that only a scenario has; the same each time it is planned, so that plans compare."""
    return UUID(bytes=sha256("\x1f".join(map(str, (key, *parts))).encode()).digest()[:16])


def apply(snapshot: Snapshot, changes: Changes, added: Sequence[Planned], start_at: datetime) -> Snapshot:
    """The snapshot as the scenario would have it; ``added`` are the orders it brings in, already built.

    What the changes name and the plant no longer has is passed over.
    """
    centers = dict(snapshot.work_centers)
    matrices = dict(snapshot.setup_matrices)
    twins: dict[str, list[str]] = {}
    for change in changes.work_centers:
        like = None if isinstance(change.like, UnsetType) else change.like
        if change.code not in centers and like in centers and like is not None:
            twins.setdefault(like, []).append(change.code)
            matrices = {name: _with_twin(matrix, like, change.code) for name, matrix in matrices.items()}
        _put(centers, change, like)
    operators = dict(snapshot.operators)
    for person in changes.operators:
        _put(operators, person, None if isinstance(person.like, UnsetType) else person.like)
    calendars = dict(snapshot.calendars)
    for calendar in changes.calendars:
        if calendar.code in calendars:
            calendars[calendar.code] = _with_shifts(calendars[calendar.code], calendar)
    reset = {c.code for c in changes.work_centers if c.initial_setup_group is not UNSET}
    orders = [*_orders(snapshot.orders, changes), *added]
    if isinstance(changes.release, Release):
        orders = _released(orders, changes.release, start_at)
    return msgspec.structs.replace(
        snapshot,
        orders=[(head, [_with_twins(row, twins) for row in rows]) for head, rows in orders],
        work_centers=centers,
        operators=operators,
        calendars=calendars,
        setup_matrices=matrices,
        machine_groups={code: g for code, g in snapshot.machine_groups.items() if code not in reset},
    )


def _put(bodies: dict[str, Mapping[str, Any]], change: Body, like: str | None) -> None:
    """Write the members a change names over a record, or over a copy of the one it is like."""
    members = {n: v for n, v in given(change).items() if n not in ("code", "like")}
    code: str = change.code  # type: ignore[attr-defined]  # every change of this kind has one
    known = bodies.get(code, bodies.get(like or ""))
    if known is not None:
        bodies[code] = {**known, **members}


def _with_twin(matrix: Mapping[str, Any], like: str, code: str) -> Mapping[str, Any]:
    named = matrix.get("work_centers") or ()
    return {**matrix, "work_centers": [*named, code]} if like in named else matrix


def _with_twins(row: Operation, twins: Mapping[str, Sequence[str]]) -> Operation:
    more = [twin for code in row.work_centers for twin in twins.get(code, ())]
    return replace(row, work_centers=[*row.work_centers, *more]) if more else row


def _with_shifts(body: Mapping[str, Any], change: CalendarChange) -> Mapping[str, Any]:
    dates = {e.date for e in change.exceptions}
    kept = [e for e in body.get("exceptions", ()) if e["date"] not in dates]
    return {
        **body,
        "weekly": [*body.get("weekly", ()), *msgspec.to_builtins(change.shifts)],
        "exceptions": [*kept, *msgspec.to_builtins(change.exceptions)],
    }


def _orders(orders: Sequence[Planned], changes: Changes) -> Iterator[Planned]:
    removed = set(changes.removed)
    by_key = {change.work_order: given(change) for change in changes.orders}
    for head, rows in orders:
        keys = names_of(head)
        if removed.intersection(keys):
            continue
        members = {n: v for key in keys for n, v in by_key.get(key, {}).items() if n != "work_order"}
        if "quantity" in members:
            members["quantity"] = Decimal(members["quantity"])
        yield (replace(head, **members) if members else head), rows


def names_of(head: WorkOrder) -> tuple[str, str]:
    """How callers name an order: by id or number."""
    return encode_id("wo", head.id), head.number


def _released(orders: Sequence[Planned], release: Release, start_at: datetime) -> list[Planned]:
    delay = timedelta(0) if isinstance(release.delay, UnsetType) else parse_duration(release.delay)
    every = timedelta(0) if isinstance(release.every, UnsetType) else parse_duration(release.every)
    rhythm = None if isinstance(release.rhythm, UnsetType) else parse_duration(release.rhythm)
    waiting = sorted(
        (head for head, _ in orders if head.started_at is None),
        key=lambda h: (h.priority, h.due_at is None, h.due_at or start_at, h.number),
    )
    beat = {head.id: i // release.orders for i, head in enumerate(waiting)}

    def moved(head: WorkOrder) -> WorkOrder:
        if head.id not in beat:
            return head
        wished = max(head.earliest_start_at or start_at, start_at) + delay
        at = max(wished, start_at + beat[head.id] * every)
        # Whole beats after the start, rounded up.
        return replace(head, earliest_start_at=at if rhythm is None else start_at - (start_at - at) // rhythm * rhythm)

    return [(moved(head), rows) for head, rows in orders]
