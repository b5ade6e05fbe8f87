"""All SQL about runs as callers see them, schedules and slots; the queue's side is in ``queue``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_solver_farm.schedules.models import schedule_runs, schedules, slots

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_SEPARATOR = "\x1f"
_R, _S, _L = schedule_runs.c, schedules.c, slots.c

_RUN = Statement(select(schedule_runs).where(_R.tenant_id == bindparam("tenant_id"), _R.id == bindparam("run_id")))
_LOCK_RUN = Statement(
    select(schedule_runs).where(_R.tenant_id == bindparam("tenant_id"), _R.id == bindparam("run_id")).with_for_update()
)
_RUN_COLUMNS = [c.name for c in schedule_runs.columns]
_ADD_RUN = Statement.text(
    f"""
    INSERT INTO schedule_runs ({", ".join(_RUN_COLUMNS)})
    VALUES ({", ".join(f"${i}" for i in range(1, len(_RUN_COLUMNS) + 1))})
    ON CONFLICT (tenant_id, kind, snapshot_hash, params_hash) WHERE status IN ('queued', 'solving', 'feasible')
    DO NOTHING RETURNING *
    """,  # noqa: S608 - column names of our own table
    *_RUN_COLUMNS,
)
_SAME_RUN = Statement.text(
    "SELECT * FROM schedule_runs WHERE tenant_id = $1 AND kind = $2 AND snapshot_hash = $3 AND params_hash = $4 "
    "AND status IN ('queued', 'solving', 'feasible')",
    *("tenant_id", "kind", "snapshot_hash", "params_hash"),
)
_STOP = Statement(
    update(schedule_runs)
    .where(_R.tenant_id == bindparam("tenant_key"), _R.id == bindparam("id_key"))
    .values(stop_requested=True)
)
_END_UNSTARTED = Statement(
    update(schedule_runs)
    .where(_R.tenant_id == bindparam("tenant_key"), _R.id == bindparam("id_key"))
    .values(status="stopped", stop_requested=True, finished_at=bindparam("now"))
)
_FORGET = Statement.text(
    "DELETE FROM schedule_runs WHERE tenant_id = $1 AND kind IN ('solve', 'inquiry') AND expires_at < $2",
    "tenant_id",
    "now",
)
# What a plan would read, as one short text: equal texts mean an equal problem but for the time that has passed.
_FINGERPRINT = Statement.text(
    """
    SELECT concat_ws('|',
      (SELECT concat_ws(',', count(*), sum(version), max(updated_at)) FROM work_orders
        WHERE tenant_id = $1 AND state IN ('draft', 'forecast', 'released', 'running', 'held')),
      (SELECT concat_ws(',', count(*), sum(version), max(updated_at)) FROM operations
        WHERE tenant_id = $1 AND state IN ('pending', 'waiting', 'ready', 'running', 'suspended', 'held')),
      (SELECT concat_ws(',', count(*), sum(version), max(updated_at)) FROM master_data WHERE tenant_id = $1),
      (SELECT concat_ws(',', id, version) FROM schedules
        WHERE tenant_id = $1 AND CASE WHEN $2::uuid IS NULL THEN state = 'published' ELSE id = $2 END),
      (SELECT id FROM duration_models WHERE tenant_id = $1 AND state = 'in_force'))
    """,
    *("tenant_id", "baseline_id"),
)

_SCHEDULE = Statement(select(schedules).where(_S.tenant_id == bindparam("tenant_id"), _S.id == bindparam("key")))
_LOCK_SCHEDULE = Statement(
    select(schedules).where(_S.tenant_id == bindparam("tenant_id"), _S.id == bindparam("key")).with_for_update()
)
_PUBLISHED = Statement(select(schedules).where(_S.tenant_id == bindparam("tenant_id"), _S.state == "published"))
_INSERT_SCHEDULE = insert_row(schedules)
# Two publications of one tenant take turns, also when nothing is published yet and there is no row to lock.
_TAKE_TURN = Statement.text(
    "SELECT pg_advisory_xact_lock(hashtextextended('publish ' || $1::uuid::text, 0))", "tenant_id"
)
_SET_STATE = Statement(
    update(schedules)
    .where(_S.tenant_id == bindparam("tenant_key"), _S.id == bindparam("id_key"))
    .values(
        state=bindparam("new_state"),
        published_at=bindparam("at"),
        version=_S.version + 1,
        updated_at=bindparam("now"),
    )
    .returning(*_S)
)
_INSERT_SLOTS = Statement.text(
    """
    INSERT INTO slots (tenant_id, schedule_id, id, operation_id, work_order_id, work_center, operator, setup_start_at,
                       start_at, end_at, outsourced, pinned, given, reasons, cause_operation_id,
                       duration_samples, duration_model_version)
    SELECT $1, $2, u.id, u.operation_id, u.work_order_id, u.work_center, u.operator, u.setup_start_at,
           u.start_at, u.end_at, u.outsourced, u.pinned, u.given, string_to_array(u.reasons, chr(31)),
           u.cause_operation_id, u.duration_samples, u.duration_model_version
    FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[],
                $10::timestamptz[], $11::bool[], $12::bool[], $13::bool[], $14::text[], $15::uuid[],
                $16::int[], $17::int[])
      AS u (id, operation_id, work_order_id, work_center, operator, setup_start_at, start_at, end_at, outsourced,
            pinned, given, reasons, cause_operation_id,
                       duration_samples, duration_model_version)
    """,
    "tenant_id",
    "schedule_id",
    *(_SLOT_COLUMNS := ("id", "operation_id", "work_order_id", "work_center", "operator", "setup_start_at", "start_at",
                       "end_at", "outsourced", "pinned", "given", "reasons", "cause_operation_id",
                       "duration_samples", "duration_model_version")),
)  # fmt: skip
_SLOTS = Statement(
    select(slots)
    .where(_L.tenant_id == bindparam("tenant_id"), _L.schedule_id == bindparam("schedule_id"))
    .order_by(_L.start_at, _L.id)
)
_BARS = Statement.text(
    """
    SELECT s.*, o.name, o.sequence, o.state, o.work_center AS actual_work_center, o.started_at, o.ended_at,
           w.number, w.due_at
    FROM slots s
    -- A scenario may plan orders that there are not.
    LEFT JOIN operations o ON o.tenant_id = s.tenant_id AND o.id = s.operation_id
    LEFT JOIN work_orders w ON w.tenant_id = s.tenant_id AND w.id = s.work_order_id
    WHERE s.tenant_id = $1 AND s.schedule_id = $2
    ORDER BY s.work_center, s.start_at, s.id
    """,
    "tenant_id",
    "schedule_id",
)


_SLOT = Statement(select(slots).where(_L.tenant_id == bindparam("tenant_id"), _L.id == bindparam("key")))
_SCHEDULE_OF_SLOT = Statement(
    select(_L.schedule_id).where(_L.tenant_id == bindparam("tenant_id"), _L.id == bindparam("key"))
)
_PIN = Statement(
    update(slots)
    .where(_L.tenant_id == bindparam("tenant_key"), _L.id == bindparam("id_key"))
    .values(pinned=bindparam("pin"))
    .returning(*_L)
)


def plans_only() -> ColumnElement[bool]:
    """The condition of the list of runs: private solves are not in it; its parameter is ``plan_kind``."""
    return _R.kind == bindparam("plan_kind", type_=Text)


def of_schedule() -> ColumnElement[bool]:
    """The condition of a list of slots under one schedule; its parameter is ``schedule_key``."""
    return _L.schedule_id == bindparam("schedule_key")


async def fingerprint(uow: "UnitOfWork", *, baseline_id: UUID | None = None) -> str:
    """What a plan of the tenant would read, as one short text; the baseline is the schedule in force unless named."""
    return str(await uow.value(_FINGERPRINT, tenant_id=uow.tenant, baseline_id=baseline_id))


async def add_run(uow: "UnitOfWork", values: Mapping[str, object]) -> "tuple[Record, bool]":
    """Queue a run, or find the same one still queued or solving; tells whether it is new."""
    row = await uow.first(_ADD_RUN, tenant_id=uow.tenant, **values)
    if row is not None:
        return row, True
    same = {n: values[n] for n in ("kind", "snapshot_hash", "params_hash")}
    row = await uow.first(_SAME_RUN, tenant_id=uow.tenant, **same)
    # It ended between the two statements: now there is nothing in the way.
    return (row, False) if row is not None else await add_run(uow, values)


async def get_run(uow: "UnitOfWork", run_id: UUID, *, lock: bool = False) -> "Record | None":
    """A run by id."""
    return await uow.first(_LOCK_RUN if lock else _RUN, tenant_id=uow.tenant, run_id=run_id)


async def ask_to_stop(uow: "UnitOfWork", run_id: UUID) -> None:
    """Let the worker that solves a run see that it should stop."""
    await uow.execute(_STOP, tenant_key=uow.tenant, id_key=run_id)


async def end_unstarted(uow: "UnitOfWork", run_id: UUID) -> None:
    """Stop a run that nobody has begun."""
    await uow.execute(_END_UNSTARTED, tenant_key=uow.tenant, id_key=run_id, now=uow.clock.now())


async def forget_expired(uow: "UnitOfWork") -> int:
    """Delete the tenant's private solves and questions that are past their time; returns how many."""
    return await uow.execute(_FORGET, tenant_id=uow.tenant, now=uow.clock.now())


async def get_schedule(uow: "UnitOfWork", schedule_id: UUID, *, lock: bool = False) -> "Record | None":
    """A schedule by id."""
    return await uow.first(_LOCK_SCHEDULE if lock else _SCHEDULE, tenant_id=uow.tenant, key=schedule_id)


async def published(uow: "UnitOfWork") -> "Record | None":
    """The schedule in force."""
    return await uow.first(_PUBLISHED, tenant_id=uow.tenant)


async def take_turn(uow: "UnitOfWork") -> None:
    """Wait for other publications of the tenant."""
    await uow.first(_TAKE_TURN, tenant_id=uow.tenant)


async def set_state(uow: "UnitOfWork", schedule: "Record", state: str, *, published_at: datetime | None) -> "Record":
    """Move a schedule on."""
    row = await uow.first(
        _SET_STATE,
        tenant_key=uow.tenant,
        id_key=schedule["id"],
        new_state=state,
        at=published_at,
        now=uow.clock.now(),
    )
    assert row is not None
    return row


async def insert_schedule(uow: "UnitOfWork", values: Mapping[str, object], places: Sequence[Mapping[str, Any]]) -> None:
    """Add a schedule with its slots in one statement; the database refuses free places that overlap."""
    await uow.execute(_INSERT_SCHEDULE, tenant_id=uow.tenant, **values)
    columns: dict[str, list[object]] = {name: [place[name] for place in places] for name in _SLOT_COLUMNS}
    # An array of arrays would have to be rectangular, so each list of reasons travels as one text.
    columns["reasons"] = [_SEPARATOR.join(place["reasons"]) for place in places]
    await uow.execute(_INSERT_SLOTS, tenant_id=uow.tenant, schedule_id=values["id"], **columns)


async def slots_of(uow: "UnitOfWork", schedule_id: UUID) -> "list[Record]":
    """The slots of a schedule by start."""
    return await uow.all(_SLOTS, tenant_id=uow.tenant, schedule_id=schedule_id)


async def bars(uow: "UnitOfWork", schedule_id: UUID) -> "list[Record]":
    """The slots of a schedule with what became of their operations, by work center and start."""
    return await uow.all(_BARS, tenant_id=uow.tenant, schedule_id=schedule_id)


async def schedule_of_slot(uow: "UnitOfWork", slot_id: UUID) -> UUID | None:
    """The schedule that a slot is in."""
    found: UUID | None = await uow.value(_SCHEDULE_OF_SLOT, tenant_id=uow.tenant, key=slot_id)
    return found


async def get_slot(uow: "UnitOfWork", slot_id: UUID) -> "Record | None":
    """A slot by id."""
    return await uow.first(_SLOT, tenant_id=uow.tenant, key=slot_id)


async def pin_slot(uow: "UnitOfWork", slot_id: UUID, *, pinned: bool) -> "Record":
    """Set whether the next plan must keep a slot."""
    row = await uow.first(_PIN, tenant_key=uow.tenant, id_key=slot_id, pin=pinned)
    assert row is not None
    return row
