"""All SQL about attachments."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.authz.scoping import Scoped
from woaas_work_orders.attachments.models import attachment_parts, attachments
from woaas_work_orders.attachments.resources import ATTACHMENT

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork
    from woaas_security.principal import Principal

_A = attachments.c
_OWN = select(attachments, ATTACHMENT.data_class.label("data_class")).where(  # type: ignore[union-attr]  # it has one
    _A.tenant_id == bindparam("tenant_id")
)
_BY_ID = Scoped.where(ATTACHMENT, _OWN.where(_A.id == bindparam("key")))
_INSERT = insert_row(attachments)
_INSERT_PART = insert_row(attachment_parts)
_CURRENT = Statement(
    select(_A.id, _A.operation_id, _A.access_class, _A.file_version, _A.size_bytes, _A.sha256)
    .where(_A.tenant_id == bindparam("tenant_id"), _A.work_order_id == bindparam("order_id"), _A.state == "current")
    .order_by(_A.id)
)
_PART = Statement.text(
    "SELECT content FROM attachment_parts WHERE tenant_id = $1 AND attachment_id = $2 AND part = $3",
    *("tenant_id", "attachment", "part"),
)
_DROP_PARTS = Statement.text(
    "DELETE FROM attachment_parts WHERE tenant_id = $1 AND attachment_id = $2", *("tenant_id", "attachment")
)
_SAME_FILE = (
    _A.tenant_id == bindparam("tenant_key"),
    _A.subject_id == bindparam("subject"),
    _A.access_class == bindparam("of_class"),
    _A.name == bindparam("named"),
)
_LAST = Statement(select(func.max(_A.file_version)).where(*_SAME_FILE))
_SUPERSEDE = Statement(update(attachments).where(*_SAME_FILE, _A.state == "current").values(state="superseded"))
_REMOVE = Statement(
    update(attachments)
    .where(_A.tenant_id == bindparam("tenant_key"), _A.id == bindparam("id_key"))
    .values(state="removed", removed_at=bindparam("at"))
    .returning(*_A)
)
_STORED = Statement.text(
    "SELECT coalesce(sum(size_bytes), 0) FROM attachments WHERE tenant_id = $1 AND state <> 'removed'", "tenant_id"
)


def of_order() -> ColumnElement[bool]:
    """The condition of a list of the files of an order and its operations; its parameter is ``order_id``."""
    return _A.work_order_id == bindparam("order_id")


def of_operation() -> ColumnElement[bool]:
    """The condition of a list of one operation's files; its parameter is ``operation_id``."""
    return _A.operation_id == bindparam("of_operation_id")


async def get(uow: "UnitOfWork", principal: "Principal", attachment_id: UUID) -> "Record | None":
    """An attachment, if the caller may see that it is there."""
    return await uow.first(_BY_ID.of(principal), tenant_id=uow.tenant, key=attachment_id, **principal.row_values)


async def current_of(uow: "UnitOfWork", order_id: UUID) -> "list[Record]":
    """The files of an order and its operations as they are now, oldest first: what a signature covers of them."""
    return await uow.all(_CURRENT, tenant_id=uow.tenant, order_id=order_id)


async def next_version(uow: "UnitOfWork", subject: UUID, access_class: str, name: str) -> int:
    """The number of the next version of a file; its present one is superseded. The order must be locked."""
    same = {"tenant_key": uow.tenant, "subject": subject, "of_class": access_class, "named": name}
    last = await uow.value(_LAST, **same)
    await uow.execute(_SUPERSEDE, **same)
    return (last or 0) + 1


async def insert(uow: "UnitOfWork", values: dict[str, Any]) -> None:
    """Add a file, without its content."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)


async def insert_part(uow: "UnitOfWork", attachment_id: UUID, part: int, content: bytes) -> None:
    """Add a part of a file's content."""
    await uow.execute(_INSERT_PART, tenant_id=uow.tenant, attachment_id=attachment_id, part=part, content=content)


async def part(uow: "UnitOfWork", attachment_id: UUID, number: int) -> bytes:
    """A part of a file's content; empty past its end."""
    found: bytes | None = await uow.value(_PART, tenant_id=uow.tenant, attachment=attachment_id, part=number)
    return found or b""


async def remove(uow: "UnitOfWork", attachment_id: UUID, at: "datetime") -> "Record":
    """Destroy a file's content; that there was one stays known."""
    await uow.execute(_DROP_PARTS, tenant_id=uow.tenant, attachment=attachment_id)
    row = await uow.first(_REMOVE, tenant_key=uow.tenant, id_key=attachment_id, at=at)
    assert row is not None
    return row


async def stored_bytes(uow: "UnitOfWork") -> int:
    """How much the tenant has stored."""
    return int(await uow.value(_STORED, tenant_id=uow.tenant))
