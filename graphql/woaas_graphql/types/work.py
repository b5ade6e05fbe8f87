"""Work orders, operations and what is recorded on them."""

from typing import Any

from woaas_core.conditional import encode, etag_of
from woaas_graphql.context import Info, Link, limit_of
from woaas_graphql.nodes import Kind, Node
from woaas_graphql.shapes import shows, struct_type
from woaas_graphql.types.links import (
    OPERATION_KIND,
    WORK_ORDER_KIND,
    LazyOperation,
    LazyOrder,
    link,
    operation_of,
    order_of,
)
from woaas_work_orders.attachments.resources import ATTACHMENT
from woaas_work_orders.execution.resources import INSPECTION, RECEIPT, REPORT
from woaas_work_orders.orders.inputs import MaterialNeed
from woaas_work_orders.orders.views import sees_steps, show_parts
from woaas_work_orders.signatures.resources import SIGNATURE
from woaas_work_orders.signatures.views import show_signature

REPORT_KIND = Kind(REPORT)
ATTACHMENT_KIND = Kind(ATTACHMENT)
SIGNATURE_KIND = Kind(SIGNATURE, lambda principal, _, row: show_signature(principal, row), columns=("time_zone",))

_ORDER = Link(WORK_ORDER_KIND)
_OF_ORDER = Link(SIGNATURE_KIND, "work_order_id")
_OF_OPERATION = Link(SIGNATURE_KIND, "operation_id")
_FILES_OF_ORDER = Link(ATTACHMENT_KIND, "work_order_id")
_FILES_OF_OPERATION = Link(ATTACHMENT_KIND, "operation_id")
_STEPS_OF_ORDER = Link(OPERATION_KIND, "work_order_id", "sequence")


@shows(REPORT_KIND)
class Report:
    """Time and quantity of one stretch of work."""

    operation: LazyOperation | None = link(operation_of, "The operation reported on")


async def _reports(root: Node, info: Info, first: int = 50) -> list[Report] | None:
    of_operation = Link(REPORT_KIND, "operation_id", newest_first=True, each=limit_of(first))
    return await info.context.linked(of_operation, root.id)  # type: ignore[return-value]


_MATERIALS: Any = list[struct_type(MaterialNeed)]  # type: ignore[misc]  # made from the struct


@shows(SIGNATURE_KIND)
class Signature:
    """An electronic signature: who, when, what it means, and what exactly was signed."""

    signed_at_local: str | None
    work_order: LazyOrder | None = link(order_of, "The order it is under")


async def _signed(under: Link, root: Node, info: Info) -> list[Node]:
    return await info.context.linked(under, root.id)


async def _signatures_of_operation(root: Node, info: Info) -> list[Signature] | None:
    return await _signed(_OF_OPERATION, root, info)  # type: ignore[return-value]  # a node stands for it


async def _signatures_of_order(root: Node, info: Info) -> list[Signature] | None:
    return await _signed(_OF_ORDER, root, info)  # type: ignore[return-value]


@shows(ATTACHMENT_KIND)
class Attachment:
    """A file; its content is at REST's `/v1/attachments/{id}/download`."""

    work_order: LazyOrder | None = link(order_of, "The order it is under")


async def _files_of_order(root: Node, info: Info) -> list[Attachment] | None:
    return await info.context.linked(_FILES_OF_ORDER, root.id)  # type: ignore[return-value]  # a node stands for it


async def _files_of_operation(root: Node, info: Info) -> list[Attachment] | None:
    return await info.context.linked(_FILES_OF_OPERATION, root.id)  # type: ignore[return-value]


async def _operation_etag(root: Node, info: Info) -> str | None:
    if not info.context.principal.access(SIGNATURE).sees_anything:
        return etag_of(encode(root.shown))
    signed = [s.shown for s in await _signed(_OF_OPERATION, root, info)]
    return etag_of(encode({**root.shown, "signatures": signed}))


@shows(OPERATION_KIND, {"predecessors": list[int], "materials": _MATERIALS})
class Operation:
    """One step of a work order."""

    etag: str | None = link(_operation_etag, "What `ifMatch` takes; it covers the signatures")
    work_order: LazyOrder | None = link(order_of, "The order it belongs to")
    reports: list[Report] | None = link(_reports, "The newest reports on it")
    signatures: list[Signature] | None = link(_signatures_of_operation, "What is signed of it, oldest first")
    attachments: list[Attachment] | None = link(_files_of_operation, "Its files, former versions too, oldest first")


async def _steps(root: Node, info: Info) -> list[Operation] | None:
    return await info.context.linked(_STEPS_OF_ORDER, root.id)  # type: ignore[return-value]


async def _order_etag(root: Node, info: Info) -> str | None:
    context = info.context
    steps = await context.linked(_STEPS_OF_ORDER, root.id) if sees_steps(context.principal) else None
    head = await context.one(_ORDER, root.id) if root.row is None else root
    assert head is not None
    signed = await _signed(_OF_ORDER, root, info) if context.principal.access(SIGNATURE).sees_anything else None
    shown = [None if part is None else [one.shown for one in part] for part in (steps, signed)]
    return etag_of(encode(show_parts(head.shown, *shown)))


@shows(WORK_ORDER_KIND)
class WorkOrder:
    """A whole run."""

    operations: list[Operation] | None = link(_steps, "Its steps in sequence")
    signatures: list[Signature] | None = link(_signatures_of_order, "Signatures under it and its operations")
    attachments: list[Attachment] | None = link(_files_of_order, "Files of it and its operations, oldest first")
    etag: str | None = link(_order_etag, "What `ifMatch` takes; it covers the operations, as REST's ETag does")


@shows(Kind(INSPECTION))
class Inspection:
    """The result of inspecting an operation."""

    work_order: LazyOrder | None = link(order_of, "The order inspected")


@shows(Kind(RECEIPT))
class Receipt:
    """A booking of finished goods."""

    work_order: LazyOrder | None = link(order_of, "The order received")
