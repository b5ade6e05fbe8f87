"""Use cases of exports of a tenant's data: asked for, written, downloaded, forgotten."""

import tempfile
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_core.errors import Forbidden, Gone, NotFound, NotReady
from woaas_core.ids import encode_id, uuid7
from woaas_security.authz.lines import OWNER_ROLE
from woaas_security.data_exports import content, events
from woaas_security.data_exports.inputs import NewDataExport
from woaas_security.data_exports.models import data_export_parts, data_exports
from woaas_security.data_exports.resources import DATA_EXPORT
from woaas_security.file_parts import PART_BYTES, Slice, keep_file
from woaas_security.identity.reauthentication import Claim, Prover
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

KEPT_FOR = timedelta(days=7)
_OWNERS_ONLY = "Only owners take everything of a tenant with them."

_E = data_exports.c
_INSERT = insert_row(data_exports)
_INSERT_PART = insert_row(data_export_parts)
_GET = Statement(select(data_exports).where(_E.tenant_id == bindparam("tenant"), _E.id == bindparam("export")))
_QUEUED = Statement(
    select(_E.id)
    .where(_E.tenant_id == bindparam("tenant"), _E.status == bindparam("is", "queued"))
    .order_by(_E.created_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_FINISH = Statement(
    update(data_exports)
    .where(_E.tenant_id == bindparam("tenant"), _E.id == bindparam("export"))
    .values({c: bindparam(f"new_{c}") for c in ("status", "rows", "sha256", "size_bytes", "finished_at", "expires_at")})
)
_PART = Statement.text(
    "SELECT content FROM data_export_parts WHERE tenant_id = $1 AND export_id = $2 AND part = $3",
    *("tenant", "export", "part"),
)
_FORGET = Statement.text(
    "DELETE FROM data_export_parts p USING data_exports e"
    " WHERE p.tenant_id = $1 AND e.tenant_id = $1 AND e.id = p.export_id AND e.expires_at <= $2",
    *("tenant", "now"),
)


async def request(uow: "UnitOfWork", principal: Principal, prover: Prover, body: NewDataExport) -> "Record":
    """Queue a file with everything of the tenant.

    Raises:
        Forbidden: the caller, or who gave his password, is no owner.
        Unauthenticated: not his password, or not the code of his second factor.
    """
    principal.require(DATA_EXPORT, "create")
    proved = await prover.prove(uow, principal, Claim(body.signer, body.password, body.otp))
    if not principal.is_owner or OWNER_ROLE not in proved.roles:
        raise Forbidden(_OWNERS_ONLY)
    values: dict[str, Any] = {
        "id": uuid7(),
        "status": "queued",
        "requested_by": proved.id,
        **dict.fromkeys(("rows", "sha256", "size_bytes", "finished_at", "expires_at")),
        "created_at": uow.clock.now(),
    }
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)
    data = {"requested_by": encode_id("usr", proved.id)}
    uow.record(events.REQUESTED, subject=encode_id("dxp", values["id"]), data=data)
    return await _get(uow, values["id"])


async def get(uow: "UnitOfWork", principal: Principal, export_id: UUID) -> "Record":
    """How far an export is.

    Raises:
        NotFound: none of this tenant.
    """
    principal.require(DATA_EXPORT, "read")
    return await _get(uow, export_id)


async def download(uow: "UnitOfWork", principal: Principal, export_id: UUID, start: int) -> Slice:
    """The part of a file that holds byte ``start``, for owners.

    Raises:
        Forbidden: no owner.
        NotReady, Gone: not written yet, or not kept any more.
    """
    row = await get(uow, principal, export_id)
    if not principal.is_owner:
        raise Forbidden(_OWNERS_ONLY)
    if row["status"] == "queued":
        raise NotReady
    if row["expires_at"] <= uow.clock.now():
        raise Gone
    if start == 0:
        uow.record(events.DOWNLOADED, subject=encode_id("dxp", export_id))
    part = start // PART_BYTES
    found = await uow.value(_PART, tenant=uow.tenant, export=export_id, part=part)
    return Slice(row, part * PART_BYTES, found or b"")


async def write_queued(uow: "UnitOfWork", tables: Iterable[Table]) -> int:
    """Write the file that was asked for first; returns whether there was one."""
    export_id: UUID | None = await uow.value(_QUEUED, tenant=uow.tenant)
    if export_id is None:
        return 0
    now = uow.clock.now()
    with tempfile.TemporaryFile() as file:
        rows = await content.write(uow, file, tables)
        stored = await keep_file(uow, _INSERT_PART, export_id, file)
    await uow.execute(
        _FINISH,
        tenant=uow.tenant,
        export=export_id,
        new_status="finished",
        new_rows=rows,
        new_sha256=stored.sha256,
        new_size_bytes=stored.size_bytes,
        new_finished_at=now,
        new_expires_at=now + KEPT_FOR,
    )
    data = {"rows": rows, "sha256": stored.sha256}
    uow.record(events.FINISHED, subject=encode_id("dxp", export_id), data=data)
    return 1


async def forget_expired(uow: "UnitOfWork") -> int:
    """Delete the content of files past their time; that they were written stays known."""
    return await uow.execute(_FORGET, tenant=uow.tenant, now=uow.clock.now())


async def _get(uow: "UnitOfWork", export_id: UUID) -> "Record":
    row = await uow.first(_GET, tenant=uow.tenant, export=export_id)
    if row is None:
        raise NotFound
    return row
