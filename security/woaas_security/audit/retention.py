"""Retention: entries older than a tenant keeps at hand go to the archive; hashes, proofs and exports stay as they were.

One function of the database moves full tiles of the tree, oldest first, from ``event`` to ``log_archive`` in one
transaction, and only what gives the leaf hashes of the log; a trigger lets nothing else leave ``event``. It stops in
front of what a legal hold is on, what is not signed yet, and what a reader of the log has still to read.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from msgspec import Meta
from sqlalchemy import bindparam, select

from woaas_core.db.statements import Statement, insert_row
from woaas_core.errors import NotFound
from woaas_core.events.envelope import event_type
from woaas_core.ids import encode_id, uuid7
from woaas_core.wire import Body
from woaas_security.audit import store
from woaas_security.audit.models import audit_archives
from woaas_security.audit.resources import AUDIT_ARCHIVE, AUDIT_RETENTION
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.statements import Row
    from woaas_core.db.unit_of_work import UnitOfWork

RETENTION_SET = event_type("audit_retention.set", "How long audit entries stay at hand was set.")
ARCHIVED = event_type("audit_archive.created", "Audit entries were moved to the archive.")

# One transaction's worth: 4,096 entries.
_TILES = 16
_A = audit_archives.c
_GET = Statement(select(audit_archives).where(_A.tenant_id == bindparam("tenant_id"), _A.id == bindparam("key")))
_INSERT = insert_row(audit_archives)


class Retention(Body, kw_only=True):
    """After how many days entries are archived, 30 at the least; null keeps all at hand."""

    archive_after_days: Annotated[int, Meta(ge=30, le=36_500)] | None


async def get_policy(uow: "UnitOfWork", principal: Principal) -> "Row":
    """How long entries stay at hand; what was never set has version 0."""
    principal.require(AUDIT_RETENTION, "read")
    row = await uow.first(store.RETENTION, tenant_id=uow.tenant)
    unset: dict[str, Any] = {"id": uow.tenant, "archive_after_days": None, "version": 0, "updated_at": None}
    return row or unset


async def set_policy(uow: "UnitOfWork", principal: Principal, body: Retention) -> "Record":
    """Replace it; what is archived already does not come back."""
    principal.require(AUDIT_RETENTION, "update").check_writable(("archive_after_days",))
    row = await uow.first(
        store.SET_RETENTION,
        tenant_id=uow.tenant,
        id=uuid7(),
        archive_after_days=body.archive_after_days,
        now=uow.clock.now(),
    )
    assert row is not None
    uow.record(
        RETENTION_SET,
        subject=encode_id("ret", row["id"]),
        version=(row["version"] - 1 or None, row["version"]),
        data={"archive_after_days": row["archive_after_days"]},
        changes={"archive_after_days": row["archive_after_days"]},
    )
    return row


async def get_archive(uow: "UnitOfWork", principal: Principal, archive_id: UUID) -> "Record":
    """A stretch of the log that was archived.

    Raises:
        NotFound: missing.
    """
    principal.require(AUDIT_ARCHIVE, "read")
    row = await uow.first(_GET, tenant_id=uow.tenant, key=archive_id)
    if row is None:
        raise NotFound
    return row


def archiving(readers: Sequence[str]) -> Callable[["UnitOfWork", Principal], Awaitable[int]]:
    """The periodic work that archives what is due in a tenant, once all of these readers are past it."""

    async def work(uow: "UnitOfWork", _principal: Principal) -> int:
        # Placing a legal hold takes the same lock: what is held before this commits is seen here.
        await tenants.lock(uow)
        policy = await uow.first(store.RETENTION, tenant_id=uow.tenant)
        if policy is None or policy["archive_after_days"] is None:
            return 0
        now = uow.clock.now()
        moved = await uow.first(
            store.ARCHIVE,
            recorded_before=now - timedelta(days=policy["archive_after_days"]),
            at_most_tiles=_TILES,
            readers=list(readers),
        )
        if moved is None:
            return 0
        values: dict[str, Any] = {"id": uuid7(), **moved, "archived_at": now}
        await uow.execute(_INSERT, tenant_id=uow.tenant, **values)
        archive_id = encode_id("arc", values["id"])
        told = {name: moved[name] for name in ("first_index", "end_index")}
        uow.record(ARCHIVED, subject=archive_id, data={"archive_id": archive_id, **told})
        return int(moved["end_index"] - moved["first_index"])

    return work
