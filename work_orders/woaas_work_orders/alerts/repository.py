"""All SQL about alerts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import ColumnElement, Text, bindparam, select

from woaas_core.db.statements import Statement, insert_row
from woaas_work_orders.alerts.models import alerts

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_A = alerts.c
_OWN = select(alerts).where(_A.tenant_id == bindparam("tenant_id"), _A.id == bindparam("alert_id"))
_BY_ID = Statement(_OWN)
_LOCK = Statement(_OWN.with_for_update())
_INSERT = insert_row(alerts)
_STANDING = Statement.text(
    """
    SELECT * FROM alerts WHERE tenant_id = $1 AND kind = $2 AND state <> 'closed'
      AND ($3::uuid IS NULL OR work_order_id = $3) ORDER BY id FOR UPDATE
    """,
    *("tenant_id", "kind", "work_order_id"),
)
_RESTATE = Statement.text(
    """
    UPDATE alerts SET why = $3, links = $4, response_time = $5, version = version + 1, updated_at = $6
    WHERE tenant_id = $1 AND id = $2 RETURNING *
    """,
    *("tenant_id", "alert_id", "why", "links", "response_time", "now"),
)
_CLOSE = Statement.text(
    """
    UPDATE alerts SET state = 'closed', closed_at = $3, version = version + 1, updated_at = $3
    WHERE tenant_id = $1 AND id = ANY($2::uuid[]) RETURNING *
    """,
    *("tenant_id", "alert_ids", "now"),
)
_ACKNOWLEDGE = Statement.text(
    """
    UPDATE alerts SET state = 'acknowledged', acknowledged_by = $3, acknowledged_at = $4, version = version + 1,
      updated_at = $4
    WHERE tenant_id = $1 AND id = $2 RETURNING *
    """,
    *("tenant_id", "alert_id", "acknowledged_by", "now"),
)


def still_standing() -> ColumnElement[bool]:
    """The condition of a list of what needs a person now; its parameter is ``closed_state``."""
    return _A.state != bindparam("closed_state", type_=Text)


async def get(uow: "UnitOfWork", alert_id: UUID, *, lock: bool = False) -> "Record | None":
    """An alert by id."""
    return await uow.first(_LOCK if lock else _BY_ID, tenant_id=uow.tenant, alert_id=alert_id)


async def standing(uow: "UnitOfWork", kind: str, work_order_id: UUID | None) -> "list[Record]":
    """The alerts of a kind that are not closed, of one order or of all, locked."""
    return await uow.all(_STANDING, tenant_id=uow.tenant, kind=kind, work_order_id=work_order_id)


async def insert(uow: "UnitOfWork", rows: Sequence[Mapping[str, object]]) -> None:
    """Add alerts."""
    await uow.execute_many(_INSERT, ({"tenant_id": uow.tenant, **row} for row in rows))


async def restate(uow: "UnitOfWork", alert_id: UUID, **values: object) -> "Record":
    """Write another reason."""
    row = await uow.first(_RESTATE, tenant_id=uow.tenant, alert_id=alert_id, now=uow.clock.now(), **values)
    assert row is not None
    return row


async def close(uow: "UnitOfWork", alert_ids: Sequence[UUID]) -> "list[Record]":
    """Close alerts; returns them."""
    return await uow.all(_CLOSE, tenant_id=uow.tenant, alert_ids=list(alert_ids), now=uow.clock.now())


async def acknowledge(uow: "UnitOfWork", alert_id: UUID, now: datetime) -> "Record":
    """Write who has seen an alert."""
    row = await uow.first(_ACKNOWLEDGE, tenant_id=uow.tenant, alert_id=alert_id, acknowledged_by=uow.actor.id, now=now)
    assert row is not None
    return row
