"""Use cases of runs and schedules beside queueing: read, stop, publish."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from woaas_core.errors import GuardFailed, InvalidTransition, NotFound
from woaas_core.ids import decode_id, encode_id
from woaas_security.principal import Principal
from woaas_solver_farm.proposals.making import settle
from woaas_solver_farm.schedules import events, plan_rows, queue, repository
from woaas_solver_farm.schedules.marks import record_operations, record_orders
from woaas_solver_farm.schedules.requests import is_own
from woaas_solver_farm.schedules.resources import SCHEDULE, SCHEDULE_RUN, SLOT

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

ENDED = ("finished", "stopped", "failed")
RUN_CHANNEL = "schedule_runs"
"""Where the database tells, by id, of each change of a run."""


async def get_run(
    uow: "UnitOfWork", principal: Principal, run_id: UUID, *, kind: str | None = None, lock: bool = False
) -> "Record":
    """A run.

    Raises:
        NotFound: missing, of another kind, somebody else's private solve, or one that has expired.
    """
    principal.require(SCHEDULE_RUN, "read")
    row = await repository.get_run(uow, run_id, lock=lock)
    if row is None or not is_own(principal, row) or kind not in (None, row["kind"]):
        raise NotFound
    if row["expires_at"] is not None and row["expires_at"] < uow.clock.now():
        raise NotFound
    return row


def result_member(principal: Principal, row: "Record") -> dict[str, Any]:
    """The ``result`` member of a private solve; none for callers who may not see a run's figures."""
    if "metrics" not in principal.access(SCHEDULE_RUN).readable:
        return {}
    return {"result": msgspec.json.decode(row["result"], type=dict[str, Any]) if row["result"] else None}


async def stop(uow: "UnitOfWork", principal: Principal, run_id: UUID) -> "Record":
    """Ask a run to stop and keep its best plan; an ended one stays as it is.

    One that nobody has begun ends at once, others within a second.
    """
    principal.require(SCHEDULE_RUN, "stop")
    row = await get_run(uow, principal, run_id, lock=True)
    if row["status"] in ENDED or row["stop_requested"]:
        return row
    subject = encode_id("run", run_id)
    uow.record(events.RUN_STOP_REQUESTED, subject=subject, data={"kind": row["kind"]})
    if row["status"] == "queued" and row["best"] is None:
        await repository.end_unstarted(uow, run_id)
        uow.record(events.RUN_ENDED["stopped"], subject=subject, data={"kind": row["kind"], "schedule_id": None})
    else:
        await repository.ask_to_stop(uow, run_id)
    return await get_run(uow, principal, run_id)


async def get_schedule(uow: "UnitOfWork", principal: Principal, schedule_id: UUID, *, lock: bool = False) -> "Record":
    """A schedule.

    Raises:
        NotFound: missing.
    """
    principal.require(SCHEDULE, "read")
    row = await repository.get_schedule(uow, schedule_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def publish(uow: "UnitOfWork", principal: Principal, schedule_id: UUID) -> "Record":
    """Make a proposed schedule the one in force: its places go to the operations, the one before is superseded.

    Operations that ended since the plan was made keep what they are. A published schedule stays as it is.

    Raises:
        InvalidTransition: it has been superseded.
    """
    principal.require(SCHEDULE, "publish")
    await repository.take_turn(uow)
    schedule = await get_schedule(uow, principal, schedule_id, lock=True)
    if schedule["state"] == "published":
        return schedule
    if schedule["state"] != "proposed":
        msg = f"The schedule is {schedule['state']}; only a proposed one is published."
        raise InvalidTransition(msg, members={"state": schedule["state"], "allowed_commands": []})
    before = await repository.published(uow)
    if before is not None:
        replaced = await repository.set_state(uow, before, "superseded", published_at=before["published_at"])
        _record(uow, events.SCHEDULE_SUPERSEDED, before, replaced, {"by": encode_id("sch", schedule_id)})
    now = uow.clock.now()
    row = await repository.set_state(uow, schedule, "published", published_at=now)
    orders = await plan_rows.orders_touched(uow, schedule_id)
    await plan_rows.lock_orders(uow, orders)
    placed = await plan_rows.place(uow, schedule_id, now + schedule["frozen"])
    unplaced = await plan_rows.unplace(uow, schedule_id, unplaced_operations(schedule))
    moved = await plan_rows.mark_orders(uow, await plan_rows.status_of_orders(uow, orders))
    _record(uow, events.SCHEDULE_PUBLISHED, schedule, row, {"operations": len(placed), "unplaced": len(unplaced)})
    record_operations(uow, placed + unplaced)
    record_orders(uow, moved)
    await settle(uow, schedule_id, schedule["version"])
    await queue.tell(uow, queue.PLAN_PUBLISHED, str(uow.tenant))
    return row


async def pin(
    uow: "UnitOfWork", principal: Principal, schedule_id: UUID | None, slot_id: UUID, *, pinned: bool
) -> "Record":
    """Have the next plans keep a place, or free it; a place that is so already stays as it is.

    Without a schedule named it is the place's own.
    Locks the schedule and moves its version on: what is planned against it now is another plan.

    Raises:
        NotFound: no such place in this schedule.
        InvalidTransition: nothing is planned against this schedule any more, or ever.
        GuardFailed: the place is a partner's.
    """
    principal.require(SLOT, "pin" if pinned else "unpin")
    found = await repository.schedule_of_slot(uow, slot_id)
    if found is None or schedule_id not in (None, found):
        raise NotFound
    schedule = await get_schedule(uow, principal, found, lock=True)
    slot = await repository.get_slot(uow, slot_id)
    assert slot is not None
    if schedule["state"] not in ("proposed", "published"):
        msg = f"The schedule is {schedule['state']}; places are pinned in a proposed or published one."
        raise InvalidTransition(msg, members={"state": schedule["state"], "allowed_commands": []})
    if slot["pinned"] is pinned:
        return slot
    if slot["outsourced"]:
        msg = "The operation is done by a partner; his contract holds it in place."
        raise GuardFailed(msg)
    row = await repository.pin_slot(uow, slot_id, pinned=pinned)
    kept = await repository.set_state(uow, schedule, schedule["state"], published_at=schedule["published_at"])
    uow.record(
        events.SCHEDULE_CHANGED,
        subject=encode_id("sch", found),
        version=(schedule["version"], kept["version"]),
        data={"slot_id": encode_id("slt", slot_id)},
    )
    uow.record(
        events.SLOT_PINNED if pinned else events.SLOT_UNPINNED,
        subject=encode_id("slt", slot_id),
        work_order_id=row["work_order_id"],
        data={
            "schedule_id": encode_id("sch", found),
            "operation_id": encode_id("op", row["operation_id"]),
            "start_at": row["start_at"],
        },
        changes={"pinned": pinned},
    )
    return row


def unplaced_operations(schedule: "Record") -> list[UUID]:
    """The operations a schedule found no place for at all, as against those it placed too late."""
    return [
        decode_id("op", o["operation_id"]) for o in schedule["overflow"] if o["reason"] not in ("late", "after_horizon")
    ]


def _record(uow: "UnitOfWork", kind: Any, before: "Record", after: "Record", data: dict[str, object]) -> None:
    uow.record(
        kind,
        subject=encode_id("sch", after["id"]),
        version=(before["version"], after["version"]),
        data={"run_id": encode_id("run", after["run_id"]), **data},
    )
