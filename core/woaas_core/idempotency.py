"""Idempotency-Key: the first answer, stored in the transaction of its effect and repeated ever after."""

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Column, Integer, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table
from woaas_core.db.statements import Statement, insert_row

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

KEPT_FOR = timedelta(hours=48)

idempotency = tenant_table(
    "idempotency",
    Column("scope", LargeBinary, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    instant("created_at"),
    tenant_index("idempotency", "created_at"),
    key=("scope",),
)

# The lock and the look-up in one round trip: without the lock a twin is still running in another transaction.
_CLAIM = Statement.text(
    """
    WITH claim AS MATERIALIZED (
      SELECT pg_try_advisory_xact_lock(hashtextextended($1::text || encode($2, 'hex'), 0)) AS free
    )
    SELECT claim.free, i.body_hash, i.status, i.headers, i.body
    FROM claim LEFT JOIN idempotency i ON claim.free AND i.tenant_id = $1::uuid AND i.scope = $2
    """,
    "tenant_id",
    "scope",
)
_KEEP = insert_row(idempotency)
_REPLACE = Statement.text(
    "UPDATE idempotency SET status = $3, headers = $4, body = $5 WHERE tenant_id = $1 AND scope = $2",
    *("tenant_id", "scope", "status", "headers", "body"),
)
_FORGET = Statement.text(
    "DELETE FROM idempotency WHERE tenant_id = $1 AND scope IN (SELECT scope FROM idempotency "
    "WHERE tenant_id = $1 AND created_at < $2 ORDER BY created_at LIMIT $3)",
    "tenant_id",
    "before",
    "limit",
)


async def claim(uow: "UnitOfWork", scope: bytes) -> "Record | None":
    """Take the key for this transaction; ``free`` false means a twin runs, ``status`` set means it has finished."""
    await uow.do_last()  # The answer of the mutation before may be under this key.
    return await uow.first(_CLAIM, tenant_id=str(uow.tenant), scope=scope)


async def keep(
    uow: "UnitOfWork", *, scope: bytes, body_hash: bytes, status: int, headers: dict[str, str], body: bytes
) -> None:
    """Store the rendered answer beside its effect, when the transaction ends."""
    await uow.at_last(
        _KEEP,
        tenant_id=uow.tenant,
        scope=scope,
        body_hash=body_hash,
        status=status,
        headers=headers,
        body=body,
        created_at=uow.clock.now(),
    )


async def replace(uow: "UnitOfWork", *, scope: bytes, status: int, headers: dict[str, str], body: bytes) -> None:
    """Store another answer under a key."""
    await uow.execute(_REPLACE, tenant_id=uow.tenant, scope=scope, status=status, headers=headers, body=body)


async def forget_old(uow: "UnitOfWork", *, limit: int) -> int:
    """Delete answers that were kept long enough, the oldest first; returns how many."""
    before = uow.clock.now() - KEPT_FOR
    return await uow.execute(_FORGET, tenant_id=uow.tenant, before=before, limit=limit)
