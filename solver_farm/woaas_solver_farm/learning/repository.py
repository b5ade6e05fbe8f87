"""All SQL about the versions of duration models."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, select

from woaas_core.db.statements import Statement
from woaas_core.ids import uuid7
from woaas_solver_farm.learning.models import duration_models

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_M = duration_models.c
_OWN = select(duration_models).where(_M.tenant_id == bindparam("tenant_id"))
_BY_ID = Statement(_OWN.where(_M.id == bindparam("model_id")))
_LOCK = Statement(_OWN.where(_M.id == bindparam("model_id")).with_for_update())
_IN_FORCE = Statement(_OWN.where(_M.state == "in_force"))
_LOCK_IN_FORCE = Statement(_OWN.where(_M.state == "in_force").with_for_update())
_QUEUED = Statement(_OWN.where(_M.status == "queued"))
_TAKE_QUEUED = Statement(_OWN.where(_M.status == "queued").with_for_update(skip_locked=True))
_NEWEST = Statement(_OWN.order_by(_M.created_at.desc()).limit(1))
_QUEUE = Statement.text(
    """
    INSERT INTO duration_models (tenant_id, id, model_version, status, state, quantile, history, promote, operations,
      holdout_operations, cells, requested_by, created_at, version, updated_at)
    SELECT $1, $2, (SELECT coalesce(max(model_version), 0) + 1 FROM duration_models WHERE tenant_id = $1),
      'queued', 'untrained', $3, $4, $5, 0, 0, 0, $6, $7, 1, $7
    ON CONFLICT DO NOTHING RETURNING *
    """,
    *("tenant_id", "id", "quantile", "history", "promote", "requested_by", "now"),
)
_CLOSED_SINCE = Statement.text(
    "SELECT count(*) FROM operations WHERE tenant_id = $1 AND state = 'completed' AND ended_at > $2",
    *("tenant_id", "since"),
)
_END = Statement.text(
    """
    UPDATE duration_models SET status = $3, state = $4, trained_from = $5, trained_until = $6, operations = $7,
      holdout_operations = $8, cells = $9, errors = $10, error = $11, finished_at = $12, version = version + 1,
      updated_at = $12
    WHERE tenant_id = $1 AND id = $2 RETURNING *
    """,
    *("tenant_id", "model_id", "status", "state", "trained_from", "trained_until", "operations"),
    *("holdout_operations", "cells", "errors", "error", "now"),
)
_MOVE = Statement.text(
    """
    UPDATE duration_models SET state = $3, version = version + 1, updated_at = $4,
      promoted_at = CASE WHEN $3 = 'in_force' THEN $4 ELSE promoted_at END,
      retired_at = CASE WHEN $3 = 'retired' THEN $4 ELSE retired_at END
    WHERE tenant_id = $1 AND id = $2 RETURNING *
    """,
    *("tenant_id", "model_id", "state", "now"),
)
# What was rejected keeps its errors; what it learned is of no use.
_FORGET_ESTIMATES = Statement.text(
    "DELETE FROM duration_estimates WHERE tenant_id = $1 AND model_id = $2", "tenant_id", "model_id"
)


async def get(uow: "UnitOfWork", model_id: UUID, *, lock: bool = False) -> "Record | None":
    """A version by id."""
    return await uow.first(_LOCK if lock else _BY_ID, tenant_id=uow.tenant, model_id=model_id)


async def in_force(uow: "UnitOfWork", *, lock: bool = False) -> "Record | None":
    """The version that plans use."""
    return await uow.first(_LOCK_IN_FORCE if lock else _IN_FORCE, tenant_id=uow.tenant)


async def queued(uow: "UnitOfWork", *, take: bool = False) -> "Record | None":
    """The training that waits; ``take`` locks it and passes over one that is being carried out."""
    return await uow.first(_TAKE_QUEUED if take else _QUEUED, tenant_id=uow.tenant)


async def newest(uow: "UnitOfWork") -> "Record | None":
    """The version asked for last."""
    return await uow.first(_NEWEST, tenant_id=uow.tenant)


async def closed_since(uow: "UnitOfWork", since: datetime) -> int:
    """How many operations were completed after a time."""
    return int(await uow.value(_CLOSED_SINCE, tenant_id=uow.tenant, since=since))


async def queue(uow: "UnitOfWork", *, quantile: float, history: timedelta, promote: bool) -> "tuple[Record, bool]":
    """Queue a training, or find the one that waits; tells whether it is new."""
    row = await uow.first(
        _QUEUE,
        tenant_id=uow.tenant,
        id=uuid7(),
        quantile=quantile,
        history=history,
        promote=promote,
        requested_by=uow.actor.id,
        now=uow.clock.now(),
    )
    if row is not None:
        return row, True
    row = await queued(uow)
    # It was trained between the two statements: now there is nothing in the way.
    return (row, False) if row else await queue(uow, quantile=quantile, history=history, promote=promote)


async def end(uow: "UnitOfWork", model_id: UUID, **values: object) -> "Record":
    """Write what came of a training."""
    facts: Mapping[str, object] = {
        "trained_from": None,
        "trained_until": None,
        "operations": 0,
        "holdout_operations": 0,
        "cells": 0,
        "errors": None,
        "error": None,
        **values,
    }
    row = await uow.first(_END, tenant_id=uow.tenant, model_id=model_id, now=uow.clock.now(), **facts)
    assert row is not None
    return row


async def move(uow: "UnitOfWork", model_id: UUID, state: str) -> "Record":
    """Move a version to another state."""
    row = await uow.first(_MOVE, tenant_id=uow.tenant, model_id=model_id, state=state, now=uow.clock.now())
    assert row is not None
    return row


async def forget_estimates(uow: "UnitOfWork", model_id: UUID) -> None:
    """Delete what a version learned."""
    await uow.execute(_FORGET_ESTIMATES, tenant_id=uow.tenant, model_id=model_id)
