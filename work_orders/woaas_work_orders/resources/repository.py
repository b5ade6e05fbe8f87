"""All SQL about master data."""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_work_orders.resources.models import master_data, master_data_versions

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_M = master_data.c
_OF_KIND = select(master_data).where(_M.tenant_id == bindparam("tenant_id"), _M.kind == bindparam("kind"))
_BY_CODE = Statement(_OF_KIND.where(_M.code == bindparam("code")))
_BY_ID = Statement(_OF_KIND.where(_M.id == bindparam("record_id")))
_ALL = Statement(_OF_KIND.where(_M.archived_at.is_(None)).order_by(_M.code))
_INSERT = insert_row(master_data)
_UPDATE = Statement(
    update(master_data)
    .where(_M.tenant_id == bindparam("tenant_key"), _M.id == bindparam("id_key"), _M.version == bindparam("seen"))
    .values(
        body=bindparam("body"),
        archived_at=bindparam("archived_at"),
        version=_M.version + 1,
        updated_at=bindparam("updated_at"),
    )
    .returning(*_M)
)
_V = master_data_versions.c
_KEEP_VERSION = insert_row(master_data_versions)
_VERSIONS = Statement(
    select(master_data_versions)
    .where(_V.tenant_id == bindparam("tenant_id"), _V.record_id == bindparam("record_key"))
    .order_by(_V.version.desc())
)


async def find(uow: "UnitOfWork", kind: str, code: str) -> "Record | None":
    """A record by its code, archived or not."""
    return await uow.first(_BY_CODE, tenant_id=uow.tenant, kind=kind, code=code)


async def find_by_id(uow: "UnitOfWork", kind: str, record_id: UUID) -> "Record | None":
    """A record by its id."""
    return await uow.first(_BY_ID, tenant_id=uow.tenant, kind=kind, record_id=record_id)


async def in_use(uow: "UnitOfWork", kind: str) -> "list[Record]":
    """Every record of a kind that is not archived, by code."""
    return await uow.all(_ALL, tenant_id=uow.tenant, kind=kind)


async def insert(uow: "UnitOfWork", values: dict[str, object]) -> None:
    """Add a record."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)


async def replace(
    uow: "UnitOfWork", record: "Record", *, body: dict[str, object], archived_at: object
) -> "Record | None":
    """Write a record anew; None if somebody else was faster."""
    return await uow.first(
        _UPDATE,
        tenant_key=uow.tenant,
        id_key=record["id"],
        seen=record["version"],
        body=body,
        archived_at=archived_at,
        updated_at=uow.clock.now(),
    )


async def keep_version(uow: "UnitOfWork", record_id: UUID, version: int, body: dict[str, object]) -> None:
    """Note what a record says from this version on."""
    await uow.execute(
        _KEEP_VERSION,
        tenant_id=uow.tenant,
        record_id=record_id,
        version=version,
        body=body,
        created_at=uow.clock.now(),
    )


async def versions_of(uow: "UnitOfWork", record_id: UUID) -> "list[Record]":
    """What a record has said, the newest first."""
    return await uow.all(_VERSIONS, tenant_id=uow.tenant, record_key=record_id)
