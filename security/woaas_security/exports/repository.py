"""All SQL about exports."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.exports.models import export_parts, exports
from woaas_security.exports.resources import own

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

OUTCOME = ("status", "rows", "rights", "sha256", "size_bytes", "error", "finished_at", "expires_at")

_E = exports.c
_INSERT = insert_row(exports)
INSERT_PART = insert_row(export_parts)
_ONE = (_E.tenant_id == bindparam("tenant"), _E.id == bindparam("export"))
_GET = select(exports).where(*_ONE, own())
_FIND = Statement(_GET)
_LOCK = Statement(_GET.with_for_update())
_WAITING = Statement.text(
    "SELECT count(*) FROM exports WHERE tenant_id = $1 AND status IN ('queued', 'running')", "tenant"
)
_TAKE = Statement.text(
    """
    UPDATE exports SET status = 'running', attempt = attempt + 1, leased_until = $3, rows = 0
    WHERE tenant_id = $1 AND id = (
        SELECT id FROM exports
        WHERE tenant_id = $1 AND (status = 'queued' OR (status = 'running' AND leased_until <= $2))
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING *
    """,
    *("tenant", "now", "until"),
)
_KEEP = Statement.text(
    """
    UPDATE exports SET leased_until = $4, rows = $5, rows_expected = $6
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND status = 'running' RETURNING true
    """,
    *("tenant", "export", "attempt", "until", "rows", "expected"),
)
_RETURN = Statement.text(
    """
    UPDATE exports SET status = 'queued', leased_until = NULL, attempt = attempt - $4
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND status = 'running'
    """,
    *("tenant", "export", "attempt", "uncounted"),
)
_END = Statement(
    update(exports)
    .where(*_ONE, _E.attempt == bindparam("of_attempt"))
    .where(_E.status == bindparam("was", "running"))
    .values({name: bindparam(f"new_{name}", type_=_E[name].type) for name in OUTCOME})
)
_STOP = Statement(update(exports).where(*_ONE).values(status=bindparam("is", "stopped"), finished_at=bindparam("at")))
_PART = Statement.text(
    "SELECT content FROM export_parts WHERE tenant_id = $1 AND export_id = $2 AND part = $3",
    *("tenant", "export", "part"),
)
_FORGET = Statement.text(
    "DELETE FROM export_parts p USING exports e"
    " WHERE p.tenant_id = $1 AND e.tenant_id = $1 AND e.id = p.export_id AND e.expires_at <= $2",
    *("tenant", "now"),
)


async def insert(uow: "UnitOfWork", values: dict[str, Any]) -> None:
    """Add an export."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)


async def waiting(uow: "UnitOfWork") -> int:
    """How many of the tenant have not ended."""
    return int(await uow.value(_WAITING, tenant=uow.tenant))


async def find(uow: "UnitOfWork", export_id: UUID, requester: str, *, lock: bool = False) -> "Record | None":
    """An export of that requester's."""
    return await uow.first(_LOCK if lock else _FIND, tenant=uow.tenant, export=export_id, requester=requester)


async def take(uow: "UnitOfWork", until: "datetime") -> "Record | None":
    """Lease the oldest that nobody writes, or that who wrote it has left; it is then the taker's in this try."""
    return await uow.first(_TAKE, tenant=uow.tenant, now=uow.clock.now(), until=until)


async def keep(uow: "UnitOfWork", row: "Record", until: "datetime", *, rows: int, expected: int | None) -> bool:
    """Lease it on and say how far it is; False where it was stopped or is somebody else's by now."""
    found = await uow.value(
        _KEEP,
        tenant=uow.tenant,
        export=row["id"],
        attempt=row["attempt"],
        until=until,
        rows=rows,
        expected=expected,
    )
    return found is not None


async def give_back(uow: "UnitOfWork", row: "Record", *, is_counted: bool) -> None:
    """Leave it to whoever comes next; ``is_counted`` as a try that failed."""
    await uow.execute(
        _RETURN, tenant=uow.tenant, export=row["id"], attempt=row["attempt"], uncounted=0 if is_counted else 1
    )


async def end(uow: "UnitOfWork", row: "Record", outcome: dict[str, Any]) -> bool:
    """Note its end; False where it was stopped or is somebody else's by now."""
    values = {f"new_{name}": outcome.get(name) for name in OUTCOME}
    return bool(await uow.execute(_END, tenant=uow.tenant, export=row["id"], of_attempt=row["attempt"], **values))


async def stop(uow: "UnitOfWork", export_id: UUID) -> None:
    """Note that it was given up."""
    await uow.execute(_STOP, tenant=uow.tenant, export=export_id, at=uow.clock.now())


async def part(uow: "UnitOfWork", export_id: UUID, number: int) -> bytes:
    """A part of the content; empty where there is none."""
    found: bytes | None = await uow.value(_PART, tenant=uow.tenant, export=export_id, part=number)
    return found or b""


async def forget_expired(uow: "UnitOfWork") -> int:
    """Delete the content of files past their time, in parts counted; that they were written stays known."""
    return await uow.execute(_FORGET, tenant=uow.tenant, now=uow.clock.now())
