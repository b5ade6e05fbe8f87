"""Use cases of attachments: attach a file, hand it out part by part, take it away."""

from typing import IO, TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from woaas_core.errors import Conflict, Gone, LegallyHeld, NotFound
from woaas_core.ids import encode_id, try_decode_id, uuid7
from woaas_security.audit.changes import changes_of
from woaas_security.principal import Principal
from woaas_work_orders.attachments import events, repository
from woaas_work_orders.attachments.inputs import AttachmentRemoval, NewAttachment
from woaas_work_orders.attachments.resources import ATTACHMENT, ATTACHMENT_CLASS
from woaas_work_orders.erasure import repository as holds
from woaas_work_orders.orders import service as orders
from woaas_work_orders.orders.entities import Order
from woaas_work_orders.signatures.voiding import void_changed

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

PART_BYTES = 1 << 20


class StorageLimitReached(Conflict):
    """The tenant's files take all the room they may."""

    code = "storage_limit_reached"
    title = "The files of this tenant take all the room they may"
    hint = "Remove files that are not needed any more, or ask the operator of this service for more room."


class Content(NamedTuple):
    """A file's bytes, wherever they wait to be stored, and what they are."""

    file: IO[bytes]
    size_bytes: int
    sha256: str
    media_type: str


class Slice(NamedTuple):
    """A part of a file: ``content`` begins at byte ``start`` of all."""

    attachment: "Record"
    start: int
    content: bytes


async def admit(uow: "UnitOfWork", principal: Principal, subject: str, body: NewAttachment) -> None:
    """Refuse whoever may not attach such a file there, before its bytes are taken in.

    Raises:
        NotFound: no work order (by id or number) or operation that the caller sees.
        UnknownField, FieldForbidden: the class is not his to read, or to write.
    """
    operation_id = try_decode_id("op", subject)
    if operation_id is None:
        data_class = (await orders.get(uow, principal, subject)).data_class
    else:
        data_class = (await orders.get_operation(uow, principal, operation_id))["data_class"]
    of_data = {"data_class": data_class}
    principal.require(ATTACHMENT, "create").of(of_data).check_writable(("name", "access_class"))
    principal.access(ATTACHMENT_CLASS).of(of_data).check_writable((body.access_class,))


async def add(
    uow: "UnitOfWork", principal: Principal, subject: str, body: NewAttachment, content: Content, *, most_bytes: int
) -> "Record":
    """Attach a file to a work order or an operation; the same name in the same class becomes its next version.

    Locks the order. ``most_bytes`` is what the tenant may have stored; of uploads at one time each counts what was
    stored before it.

    Raises:
        StorageLimitReached: it would be more.
    """
    await admit(uow, principal, subject, body)
    order, operation = await orders.lock_subject(uow, principal, subject)
    if await repository.stored_bytes(uow) + content.size_bytes > most_bytes:
        raise StorageLimitReached
    subject_id = order.head.id if operation is None else operation.id
    values: dict[str, Any] = {
        "id": uuid7(),
        "work_order_id": order.head.id,
        "operation_id": None if operation is None else operation.id,
        "subject_id": subject_id,
        "name": body.name,
        "file_version": await repository.next_version(uow, subject_id, body.access_class, body.name),
        "access_class": body.access_class,
        "media_type": content.media_type,
        "size_bytes": content.size_bytes,
        "sha256": content.sha256,
        "state": "current",
        "uploaded_by": principal.actor.id,
        "created_at": uow.clock.now(),
        "removed_at": None,
    }
    await repository.insert(uow, values)
    part = 0
    while chunk := content.file.read(PART_BYTES):
        await repository.insert_part(uow, values["id"], part, chunk)
        part += 1
    _record(uow, events.ATTACHMENT_ADDED, values, changes_of(ATTACHMENT, None, values))
    await void_changed(uow, order)
    return await get(uow, principal, values["id"])


async def get(uow: "UnitOfWork", principal: Principal, attachment_id: UUID) -> "Record":
    """An attachment, removed or not.

    Raises:
        NotFound: missing, under what the caller does not see, or of a class that is closed to him.
    """
    principal.require(ATTACHMENT, "read")
    row = await repository.get(uow, principal, attachment_id)
    if row is None:
        raise NotFound
    return row


async def download(uow: "UnitOfWork", principal: Principal, attachment_id: UUID, start: int) -> Slice:
    """The part of a file that holds byte ``start``.

    Raises:
        NotFound: as of `get`.
        Gone: it was removed.
    """
    row = await get(uow, principal, attachment_id)
    if row["state"] == "removed":
        raise Gone
    if start == 0 and principal.reads is not None:
        principal.reads.note(ATTACHMENT_CLASS, row, {row["access_class"]: True})
    part = start // PART_BYTES
    return Slice(row, part * PART_BYTES, await repository.part(uow, attachment_id, part))


async def remove(uow: "UnitOfWork", principal: Principal, attachment_id: UUID, body: AttachmentRemoval) -> "Record":
    """Take a file away: its content is destroyed; its name, hash and versions stay on record.

    Raises:
        Conflict: it was removed before.
        LegallyHeld: a hold is on the order, or on everything.
    """
    known = await get(uow, principal, attachment_id)
    principal.require(ATTACHMENT, "remove")
    principal.access(ATTACHMENT_CLASS).of(known).check_writable((known["access_class"],))
    order = await _locked(uow, principal, known)
    known = await get(uow, principal, attachment_id)
    if known["state"] == "removed":
        msg = "The file was removed before."
        raise Conflict(msg, members={"state": "removed"})
    if await holds.is_held(uow, encode_id("wo", order.head.id)):
        raise LegallyHeld
    if isinstance(body.reason, str):
        uow.reason = body.reason
    row = await repository.remove(uow, attachment_id, uow.clock.now())
    _record(uow, events.ATTACHMENT_REMOVED, row, changes_of(ATTACHMENT, known, row))
    await void_changed(uow, order)
    return await get(uow, principal, attachment_id)


async def _locked(uow: "UnitOfWork", principal: Principal, row: "Record") -> Order:
    prefix, key = ("op", row["operation_id"]) if row["operation_id"] else ("wo", row["work_order_id"])
    order, _ = await orders.lock_subject(uow, principal, encode_id(prefix, key))
    return order


def _record(uow: "UnitOfWork", kind: Any, row: Any, changes: dict[str, object]) -> None:
    operation = row["operation_id"]
    uow.record(
        kind,
        subject=encode_id("att", row["id"]),
        work_order_id=row["work_order_id"],
        data={
            "work_order_id": encode_id("wo", row["work_order_id"]),
            "operation_id": encode_id("op", operation) if operation else None,
            "access_class": row["access_class"],
            "version": row["file_version"],
        },
        changes=changes,
    )
