"""Use cases of duration models: ask for a training, promote, go back, retire."""

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import UNSET

from woaas_core.durations import format_duration
from woaas_core.errors import GuardFailed, InvalidTransition, NotFound
from woaas_core.events.envelope import EventType
from woaas_core.ids import encode_id
from woaas_core.wire import duration_of, invalid
from woaas_security.principal import Principal
from woaas_solver_farm.learning import events, repository
from woaas_solver_farm.learning.inputs import NewDurationModel
from woaas_solver_farm.learning.resources import DURATION_MODEL

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

QUANTILE = 0.5
HISTORY = timedelta(days=365)
MAX_HISTORY = timedelta(days=3650)


async def request(uow: "UnitOfWork", principal: Principal, body: NewDurationModel) -> "Record":
    """Queue a training; while one waits, that one is returned and nothing is recorded."""
    principal.require(DURATION_MODEL, "create")
    history = HISTORY if body.history is UNSET else duration_of(str(body.history), "/history")
    if not timedelta(days=1) <= history <= MAX_HISTORY:
        raise invalid("/history", "invalid", f"From P1D to {format_duration(MAX_HISTORY)}.")
    quantile = QUANTILE if body.quantile is UNSET else float(body.quantile)
    return await enqueue(uow, quantile=quantile, history=history, promote=body.promote is not False)


async def enqueue(uow: "UnitOfWork", *, quantile: float, history: timedelta, promote: bool) -> "Record":
    """Queue a training of checked parameters."""
    row, is_new = await repository.queue(uow, quantile=quantile, history=history, promote=promote)
    if is_new:
        record(uow, events.MODEL_REQUESTED, row, before=None, quantile=repr(quantile))
    return row


async def get(uow: "UnitOfWork", principal: Principal, model_id: UUID, *, lock: bool = False) -> "Record":
    """A version.

    Raises:
        NotFound: missing.
    """
    principal.require(DURATION_MODEL, "read")
    row = await repository.get(uow, model_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def promote(uow: "UnitOfWork", principal: Principal, model_id: UUID) -> "Record":
    """Put a candidate into force; the one in force stays as it is.

    Raises:
        GuardFailed: it is no better than what is in force, or was compared with another.
        InvalidTransition: it is not trained, or was in force before (that is a rollback).
    """
    principal.require(DURATION_MODEL, "promote")
    current = await repository.in_force(uow, lock=True)
    row = await get(uow, principal, model_id, lock=True)
    if row["state"] == "in_force":
        return row
    if row["state"] == "rejected":
        msg = "It does not foretell its hold-out better than the model in force and the standard times."
        raise GuardFailed(msg, members={"missing": ["a smaller error on the hold-out"]})
    _require(row, "candidate", ["rollback"] if row["state"] == "retired" else [])
    rival = row["errors"]["in_force"]
    if (rival and rival["model_version"]) != (current and current["model_version"]):
        msg = "It was compared with another model than the one in force; train a new one."
        raise GuardFailed(msg, members={"missing": ["a comparison with the model in force"]})
    return await put_in_force(uow, row, current, events.MODEL_PROMOTED)


async def rollback(uow: "UnitOfWork", principal: Principal, model_id: UUID) -> "Record":
    """Put a version that was in force before into force again.

    Raises:
        InvalidTransition: it never was.
    """
    principal.require(DURATION_MODEL, "rollback")
    current = await repository.in_force(uow, lock=True)
    row = await get(uow, principal, model_id, lock=True)
    if row["state"] == "in_force":
        return row
    _require(row, "retired", ["promote"] if row["state"] == "candidate" else [])
    return await put_in_force(uow, row, current, events.MODEL_RESTORED)


async def retire(uow: "UnitOfWork", principal: Principal, model_id: UUID) -> "Record":
    """Take the version in force out of it: plans use standard times.

    Raises:
        InvalidTransition: it is not in force.
    """
    principal.require(DURATION_MODEL, "retire")
    row = await get(uow, principal, model_id, lock=True)
    if row["state"] == "retired":
        return row
    _require(row, "in_force", [])
    return await _retire(uow, row)


async def put_in_force(uow: "UnitOfWork", row: "Record", current: "Record | None", kind: EventType) -> "Record":
    """Let a version take the place of the current one."""
    if current is not None:
        await _retire(uow, current)
    after = await repository.move(uow, row["id"], "in_force")
    record(uow, kind, after, before=row)
    return after


async def _retire(uow: "UnitOfWork", row: "Record") -> "Record":
    after = await repository.move(uow, row["id"], "retired")
    record(uow, events.MODEL_RETIRED, after, before=row)
    return after


def record(uow: "UnitOfWork", kind: EventType, row: "Record", *, before: "Record | None", **data: object) -> None:
    """Note a fact about a version."""
    uow.record(
        kind,
        subject=encode_id("dmo", row["id"]),
        version=(before["version"] if before else None, row["version"]),
        data={"model_version": row["model_version"], "state": row["state"], **data},
    )


def _require(row: "Record", state: str, allowed: list[str]) -> None:
    if row["state"] != state:
        msg = f"The duration model is {row['state']}; the command is for one that is {state}."
        raise InvalidTransition(msg, members={"state": row["state"], "allowed_commands": allowed})
