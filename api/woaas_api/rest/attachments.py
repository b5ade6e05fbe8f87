"""Files under work orders and operations."""

import asyncio
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.downloads import download_route, file_headers
from woaas_api.edge import Call
from woaas_api.endpoint import Query, route
from woaas_api.rest.schemas.work_orders import View
from woaas_api.uploads import Upload, upload_route
from woaas_core.ids import decode_id, encode_id
from woaas_core.wire import decode
from woaas_work_orders.attachments import repository, service
from woaas_work_orders.attachments.inputs import AttachmentRemoval, NewAttachment
from woaas_work_orders.attachments.media import media_type_of
from woaas_work_orders.attachments.resources import ATTACHMENT
from woaas_work_orders.orders import service as orders

TAG = "Attachments"
_FILE = (
    Query("name", "The file's name; the same name again is its next version", is_required=True),
    Query("access_class", "general (default), drawing, quality or confidential: who reads it"),
)
_SUBJECT = Query("subject", "The work order (id or number) or operation (id) it is attached to", is_required=True)


class AttachmentView(View, kw_only=True):
    """A file; `state` is current, superseded by a later version, or removed."""

    work_order_id: str | UnsetType = UNSET
    operation_id: str | None | UnsetType = UNSET
    name: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    access_class: str | UnsetType = UNSET
    media_type: str | UnsetType = UNSET
    size_bytes: int | UnsetType = UNSET
    sha256: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    uploaded_by: str | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    removed_at: datetime | None | UnsetType = UNSET


async def _admit(call: Call, key: str) -> None:
    await service.admit(call.uow, call.principal, key, _said(call))


async def _admit_operation(call: Call, key: str) -> None:
    await _admit(call, _operation(key))


async def _admit_any(call: Call) -> None:
    await _admit(call, call.request.query_params.get("subject", ""))


def _said(call: Call) -> NewAttachment:
    """What the query string says of the file."""
    said = {n: v for n, v in call.request.query_params.items() if n != "subject"}
    return decode(msgspec.json.encode(said), NewAttachment)


def _operation(key: str) -> str:
    return encode_id("op", decode_id("op", key))


async def _attach(call: Call, subject: str, upload: Upload) -> Answer[AttachmentView]:
    # In a thread: the first look loads the library's signatures.
    media_type = await asyncio.to_thread(media_type_of, upload.declared, upload.head)
    content = service.Content(upload.file, upload.size_bytes, upload.sha256, media_type)
    call.charge(upload.size_bytes / service.PART_BYTES)
    most = call.edge.settings.attachment_tenant_bytes
    row = await service.add(call.uow, call.principal, subject, _said(call), content, most_bytes=most)
    shown = call.principal.show(call.principal.access(ATTACHMENT), row)
    return Answer(shown, 201, f"/v1/attachments/{encode_id('att', row['id'])}")


@upload_route("/attachments", tag=TAG, admit=_admit_any, query=(_SUBJECT, *_FILE))
async def create_attachment(call: Call, upload: Upload) -> Answer[AttachmentView]:
    """Attach a file: the body is its bytes, `Content-Type` what it is.

    The content must look like what it is declared as: 422 `media_type_mismatch`. Too large a file is a 413, too many
    409 `storage_limit_reached`. Archives are never unpacked. Who does not read the class sees nothing of the file.
    """
    return await _attach(call, call.request.query_params.get("subject", ""), upload)


@upload_route("/work-orders/{key}/attachments", tag=TAG, admit=_admit, query=_FILE)
async def attach_to_work_order(call: Call, key: str, upload: Upload) -> Answer[AttachmentView]:
    """Attach a file to a work order."""
    return await _attach(call, key, upload)


@upload_route("/operations/{key}/attachments", tag=TAG, admit=_admit_operation, query=_FILE)
async def attach_to_operation(call: Call, key: str, upload: Upload) -> Answer[AttachmentView]:
    """Attach a file to an operation."""
    return await _attach(call, _operation(key), upload)


@route("GET", "/attachments", tag=TAG)
async def list_attachments(call: Call) -> Answer[Listed[AttachmentView]]:
    """List files, newest first; `state=current` leaves out former versions and removed files."""
    return await call.page(ATTACHMENT)


@route("GET", "/attachments/{key}", tag=TAG)
async def get_attachment(call: Call, key: str) -> Answer[AttachmentView]:
    """Read what is known of a file."""
    row = await service.get(call.uow, call.principal, decode_id("att", key))
    return Answer(call.principal.show(call.principal.access(ATTACHMENT), row))


@download_route("/attachments/{key}/download", tag=TAG, media_types=("application/octet-stream",))
async def download_attachment(call: Call, key: str, start: int) -> Answer[str]:
    """Download a file, resumable with `Range` and `If-Range`; `Repr-Digest` is the SHA-256 of all.

    Whatever it is, it is sent as bytes to save, never as a page to show.
    """
    part = await service.download(call.uow, call.principal, decode_id("att", key), start)
    named = "name" in call.principal.access(ATTACHMENT).of(part.attachment).readable
    name = part.attachment["name"] if named else encode_id("att", part.attachment["id"])
    headers = file_headers(name, part.attachment, part.start)
    return Answer(part.content, media_type="application/octet-stream", headers=headers)


@route("POST", "/attachments/{key}/remove", tag=TAG)
async def remove_attachment(call: Call, key: str, body: AttachmentRemoval) -> Answer[AttachmentView]:
    """Take a file away: its content is destroyed, its name, hash and versions stay on record.

    A legal hold on the order forbids it: 409 `legal_hold`.
    """
    access = call.principal.access(ATTACHMENT)
    attachment_id = decode_id("att", key)
    known = await service.get(call.uow, call.principal, attachment_id)
    call.require_match(lambda: call.principal.show(access, known))
    row = await service.remove(call.uow, call.principal, attachment_id, body)
    return Answer(call.principal.show(access, row))


@route("GET", "/work-orders/{key}/attachments", tag=TAG)
async def list_attachments_of_order(call: Call, key: str) -> Answer[Listed[AttachmentView]]:
    """List the files of a work order and its operations, newest first."""
    head = await orders.get(call.uow, call.principal, key)
    return await call.page(ATTACHMENT, where=[repository.of_order()], values={"order_id": head.id})


@route("GET", "/operations/{key}/attachments", tag=TAG)
async def list_attachments_of_operation(call: Call, key: str) -> Answer[Listed[AttachmentView]]:
    """List the files of an operation, newest first."""
    row = await orders.get_operation(call.uow, call.principal, decode_id("op", key))
    return await call.page(ATTACHMENT, where=[repository.of_operation()], values={"of_operation_id": row["id"]})


ROUTES = (
    create_attachment,
    attach_to_work_order,
    attach_to_operation,
    list_attachments,
    get_attachment,
    download_attachment,
    remove_attachment,
    list_attachments_of_order,
    list_attachments_of_operation,
)
