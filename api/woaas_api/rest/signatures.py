"""Electronic signatures, and all that proves a record in one answer."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.attachments import AttachmentView
from woaas_api.rest.schemas.work_orders import InspectionView, ReceiptView, ReportView, SignatureView, WorkOrderView
from woaas_api.subjects import SUBJECTS
from woaas_core.ids import decode_id, encode_id
from woaas_security.audit import evidence
from woaas_security.audit.resources import AUDIT_ENTRY
from woaas_security.authz.related import rows_by
from woaas_work_orders.attachments.resources import ATTACHMENT
from woaas_work_orders.execution.resources import INSPECTION, RECEIPT, REPORT
from woaas_work_orders.orders import service as orders
from woaas_work_orders.orders.entities import Order
from woaas_work_orders.orders.views import show
from woaas_work_orders.signatures import repository, service
from woaas_work_orders.signatures.inputs import NewSignature, SignatureBody
from woaas_work_orders.signatures.proof import recorded
from woaas_work_orders.signatures.resources import SIGNATURE
from woaas_work_orders.signatures.views import show_signature

if TYPE_CHECKING:
    from asyncpg import Record

TAG = "Signatures"


class EvidenceEntry(Struct, kw_only=True):
    """An entry of the log about the order: where to find it, and the hash it is in the tree by."""

    index: int
    id: str
    type: str
    at: datetime
    subject: str
    leaf_hash: str


class Evidence(Struct, kw_only=True):
    """All that proves a work order; what the caller may not read is left out."""

    work_order: WorkOrderView
    signatures: list[SignatureView]
    reports: list[ReportView]
    inspections: list[InspectionView]
    receipts: list[ReceiptView]
    attachments: list[AttachmentView]
    entries: list[EvidenceEntry]
    archived_before: int
    tree_size: int
    checkpoint: str | None


async def _sign(call: Call, subject: str, body: SignatureBody) -> Answer[SignatureView]:
    row = await service.sign(call.uow, call.principal, call.prover, subject, body)
    return Answer(show_signature(call.principal, row), 201, f"/v1/signatures/{encode_id('sig', row['id'])}")


async def _page(call: Call, **options: Any) -> Answer[Any]:
    return await call.page(SIGNATURE, show=lambda row: show_signature(call.principal, row), **options)


@route("POST", "/signatures", tag=TAG, status=201)
async def create_signature(call: Call, body: NewSignature) -> Answer[SignatureView]:
    """Sign a work order or an operation (`subject`) as it is now.

    The signer gives his password once more, and a code (`otp`) if signing in asks him for one; a wrong one is 401, and
    too many are 429, as for signing in. Nobody signs the same record twice: 409 `four_eyes`. A later change of what was
    signed sets `state` to `invalidated`, and `invalidated_by` to the event that did it.
    """
    return await _sign(call, body.subject, body)


@route("POST", "/work-orders/{key}/signatures", tag=TAG, status=201)
async def sign_work_order(call: Call, key: str, body: SignatureBody) -> Answer[SignatureView]:
    """Sign a work order with all of its operations."""
    return await _sign(call, key, body)


@route("POST", "/operations/{key}/signatures", tag=TAG, status=201)
async def sign_operation(call: Call, key: str, body: SignatureBody) -> Answer[SignatureView]:
    """Sign an operation."""
    return await _sign(call, encode_id("op", decode_id("op", key)), body)


@route("GET", "/signatures", tag=TAG)
async def list_signatures(call: Call) -> Answer[Listed[SignatureView]]:
    """List signatures, newest first, invalidated ones too."""
    return await _page(call)


@route("GET", "/signatures/{key}", tag=TAG)
async def get_signature(call: Call, key: str) -> Answer[SignatureView]:
    """Read a signature."""
    row = await service.get(call.uow, call.principal, decode_id("sig", key))
    return Answer(show_signature(call.principal, row))


@route("GET", "/work-orders/{key}/signatures", tag=TAG)
async def list_signatures_of_order(call: Call, key: str) -> Answer[Listed[SignatureView]]:
    """List the signatures under a work order and its operations."""
    head = await orders.get(call.uow, call.principal, key)
    return await _page(call, where=[repository.of_order()], values={"order_id": head.id})


@route("GET", "/operations/{key}/signatures", tag=TAG)
async def list_signatures_of_operation(call: Call, key: str) -> Answer[Listed[SignatureView]]:
    """List the signatures under an operation."""
    row = await orders.get_operation(call.uow, call.principal, decode_id("op", key))
    return await _page(call, where=[repository.of_operation()], values={"operation_id": row["id"]})


@route("GET", "/work-orders/{key}/evidence", tag=TAG)
async def get_evidence(call: Call, key: str) -> Answer[Evidence]:
    """Read all that proves a work order: the record, signatures, files, what was reported, entries in the log.

    `entries` name the index and leaf hash of each entry of the log about it. An inclusion proof shows one to be in the
    log; `POST /v1/audit/exports` gives a bundle that is verified offline. Entries below `archived_before` are only in
    bundles.
    """
    principal = call.principal
    order = await orders.load(call.uow, principal, key)
    shown: dict[str, Any] = {"work_order": show(principal, order)}
    shown["signatures"] = shown["work_order"].get("signatures", [])
    found = await recorded(call.uow, order.head.id)
    for name, resource in (("reports", REPORT), ("inspections", INSPECTION), ("receipts", RECEIPT)):
        access = principal.access(resource)
        shown[name] = [principal.show(access, row) for row in found[name]] if access.sees_anything else []
    shown["attachments"] = [principal.show(principal.access(ATTACHMENT), row) for row in await _files(call, order)]
    entries: list[dict[str, Any]] = []
    if "read" in principal.access(AUDIT_ENTRY).actions:
        wanted = evidence.EntryFilter(work_order_id=order.head.id)
        every = await evidence.entries(call.uow, principal, wanted, SUBJECTS, before=None, limit=10_000)
        entries = [{n: e[n] for n in EvidenceEntry.__struct_fields__} for e in reversed(every)]
        (newest,) = await evidence.checkpoints(call.uow, principal, before=None, limit=1) or [None]
        shown["checkpoint"] = None if newest is None else newest["note"]
    size = await evidence.tree_size(call.uow)
    archived = await evidence.archived_before(call.uow)
    return Answer({"checkpoint": None, **shown, "entries": entries, "archived_before": archived, "tree_size": size})


async def _files(call: Call, order: Order) -> "list[Record]":
    access = call.principal.access(ATTACHMENT)
    if not access.sees_anything:
        return []
    return await rows_by(call.uow, call.principal, access, "work_order_id", [order.head.id])


ROUTES = (
    create_signature,
    sign_work_order,
    sign_operation,
    list_signatures,
    get_signature,
    list_signatures_of_order,
    list_signatures_of_operation,
    get_evidence,
)
