"""All SQL about webhook endpoints."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, select

from woaas_core.db.statements import Row, Statement, insert_row
from woaas_work_orders.webhooks.models import webhook_endpoints

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_E = webhook_endpoints.c
_OWN = select(webhook_endpoints).where(_E.tenant_id == bindparam("tenant"), _E.id == bindparam("endpoint"))
_GET = Statement(_OWN)
_GET_LOCKED = Statement(_OWN.with_for_update())
_INSERT = insert_row(webhook_endpoints)
_COUNT = Statement.text("SELECT count(*) FROM webhook_endpoints WHERE tenant_id = $1 AND state <> 'archived'", "tenant")
_CHANGED = (
    *("name", "url", "events", "state", "disabled_reason", "secret", "previous_secret", "previous_secret_expires_at"),
    *("archived_at", "failing_since"),
)
_UPDATE = Statement.text(
    f"""
    UPDATE webhook_endpoints SET {", ".join(f"{name} = ${n}" for n, name in enumerate(_CHANGED, 3))},
      updated_at = ${len(_CHANGED) + 3}, version = version + 1
    WHERE tenant_id = $1 AND id = $2 RETURNING *
    """,  # noqa: S608 - our own names
    *("tenant", "endpoint", *_CHANGED, "now"),
)
# Those that were off when an event was recorded do not hear of it later.
_LISTENING = Statement.text(
    "SELECT id, events, created_at FROM webhook_endpoints WHERE tenant_id = $1 AND state = 'enabled' ORDER BY id",
    "tenant",
)
_DISABLED = Statement.text(
    "SELECT id, disabled_reason, updated_at FROM webhook_endpoints WHERE tenant_id = $1 AND state = 'disabled'"
    " ORDER BY id",
    "tenant",
)


async def get(uow: "UnitOfWork", endpoint_id: UUID, *, lock: bool = False) -> "Record | None":
    """An endpoint of the entered tenant, archived ones too."""
    return await uow.first(_GET_LOCKED if lock else _GET, tenant=uow.tenant, endpoint=endpoint_id)


async def insert(uow: "UnitOfWork", values: Mapping[str, object]) -> None:
    """Add an endpoint."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)


async def count(uow: "UnitOfWork") -> int:
    """How many endpoints there are that are not archived."""
    return int(await uow.value(_COUNT, tenant=uow.tenant))


async def update(uow: "UnitOfWork", row: Row, **changes: Any) -> "Record":
    """Write what changes of an endpoint whose row is locked."""
    values = {name: row[name] for name in _CHANGED} | changes
    updated = await uow.first(_UPDATE, tenant=uow.tenant, endpoint=row["id"], now=uow.clock.now(), **values)
    assert updated is not None
    return updated


async def listening(uow: "UnitOfWork") -> "list[Record]":
    """The endpoints that are sent events now: ``id, events, created_at``."""
    return await uow.all(_LISTENING, tenant=uow.tenant)


async def disabled(uow: "UnitOfWork") -> "list[Record]":
    """The endpoints that were switched off: ``id, disabled_reason, updated_at``."""
    return await uow.all(_DISABLED, tenant=uow.tenant)
