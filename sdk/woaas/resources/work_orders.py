"""`client.work_orders`: from the draft to the closed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._models import Model
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, json_object, path, post, read, write
from woaas._wire import Filter
from woaas.types.signatures import Signature, SignatureFields
from woaas.types.work_orders import (
    BatchResult,
    Command,
    Evidence,
    Kitting,
    NewOperation,
    NewReceipt,
    NewWorkOrder,
    Operation,
    Receipt,
    TimelineEntry,
    WorkOrder,
    WorkOrderChange,
    WorkOrderInput,
)


class WorkOrders(Bound[M]):
    """Work orders. An `id` is an id or the order's number."""

    @endpoint
    def create(self, **order: Unpack[NewWorkOrder]) -> Request[WorkOrder]:
        """A new draft, or with `release=True` a released order.

        The same `external_ref` and fields again answer the order made first.
        """
        return post("/v1/work-orders", WorkOrder, order)

    @endpoint
    def get(self, id: str, *, expand: Sequence[str] = (), fields: Sequence[str] = ()) -> Request[WorkOrder]:
        """One work order with its operations."""
        return read(path("/v1/work-orders/{}", id), WorkOrder, {"expand": expand or None, "fields": fields or None})

    @listing
    def list(
        self,
        /,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: str | None = None,
        q: str | None = None,
        **filters: Filter,
    ) -> Listing[WorkOrder]:
        """Work orders by filter: `state="running"`, `due_at__lt=…`, `custom_fields={"mould_no": "M-17"}`."""
        return listing_of(
            "/v1/work-orders", WorkOrder, {"limit": limit, "cursor": cursor, "sort": sort, "q": q, **filters}
        )

    @endpoint
    def update(self, id: str, **changes: Unpack[WorkOrderChange]) -> Request[WorkOrder]:
        """Change fields; `if_match` refuses when somebody else was faster."""
        return write("PATCH", path("/v1/work-orders/{}", id), WorkOrder, changes)

    @endpoint
    def add_operation(self, id: str, **operation: Unpack[NewOperation]) -> Request[Operation]:
        """One more step."""
        return post(path("/v1/work-orders/{}/operations", id), Operation, operation)

    @endpoint
    def release(self, id: str, **command: Unpack[Command]) -> Request[WorkOrder]:
        """Give it to the shop floor: draft or forecast to released."""
        return _command(id, "release", command)

    @endpoint
    def hold(self, id: str, **command: Unpack[Command]) -> Request[WorkOrder]:
        """Stop all work on it until `resume`."""
        return _command(id, "hold", command)

    @endpoint
    def resume(self, id: str, **command: Unpack[Command]) -> Request[WorkOrder]:
        """Back to where `hold` took it from."""
        return _command(id, "resume", command)

    @endpoint
    def complete(self, id: str, **command: Unpack[Command]) -> Request[WorkOrder]:
        """All work is done. A `ConflictError` `guard_failed` lists what is missing."""
        return _command(id, "complete", command)

    @endpoint
    def reopen(self, id: str, **command: Unpack[Command]) -> Request[WorkOrder]:
        """Back to running; takes a second person and is never billed again."""
        return _command(id, "reopen", command)

    @endpoint
    def close(self, id: str, **command: Unpack[Command]) -> Request[WorkOrder]:
        """Nothing will change any more."""
        return _command(id, "close", command)

    @endpoint
    def cancel(self, id: str, **command: Unpack[Command]) -> Request[WorkOrder]:
        """End an order nobody has started."""
        return _command(id, "cancel", command)

    @endpoint
    def abort(self, id: str, **command: Unpack[Command]) -> Request[WorkOrder]:
        """End an order that has been started."""
        return _command(id, "abort", command)

    @endpoint
    def book_receipt(self, id: str, **receipt: Unpack[NewReceipt]) -> Request[Receipt]:
        """Book finished goods in."""
        return post(path("/v1/work-orders/{}/receipts", id), Receipt, receipt)

    @listing
    def receipts(self, id: str, *, limit: int | None = None, cursor: str | None = None) -> Listing[Receipt]:
        """The goods booked in."""
        return listing_of(path("/v1/work-orders/{}/receipts", id), Receipt, {"limit": limit, "cursor": cursor})

    @endpoint
    def kitting(self, id: str) -> Request[Kitting]:
        """How complete its material is, and what is short until when."""
        return read(path("/v1/work-orders/{}/kitting", id), Kitting)

    @endpoint
    def sign(self, id: str, **signature: Unpack[SignatureFields]) -> Request[Signature]:
        """Sign it with all of its operations."""
        return post(path("/v1/work-orders/{}/signatures", id), Signature, signature)

    @endpoint
    def evidence(self, id: str) -> Request[Evidence]:
        """All that proves it: the record, signatures, reports, inspections, receipts and its entries in the log."""
        return read(path("/v1/work-orders/{}/evidence", id), Evidence)

    @listing
    def timeline(self, id: str, *, limit: int | None = None, cursor: str | None = None) -> Listing[TimelineEntry]:
        """What happened to it, in order."""
        return listing_of(path("/v1/work-orders/{}/timeline", id), TimelineEntry, {"limit": limit, "cursor": cursor})

    @endpoint
    def batch(
        self, orders: Mapping[str, WorkOrderInput], *, idempotency_key: str | None = None
    ) -> Request[Sequence[BatchResult]]:
        """Up to 500 new orders by keys of the caller's; each succeeds or fails by itself, in the order given."""
        request = post(
            "/v1/work-orders/batch",
            Model,
            {
                "items": [{"key": key, "work_order": order} for key, order in orders.items()],
                "idempotency_key": idempotency_key,
            },
        )
        return request.read_as(lambda response: [BatchResult(row) for row in _rows(json_object(response))])


def _command(id: str, name: str, command: Command) -> Request[WorkOrder]:
    return post(path("/v1/work-orders/{}/{}", id, name), WorkOrder, command)


def _rows(document: dict[str, object]) -> Sequence[dict[str, object]]:
    results = document.get("results")
    return results if isinstance(results, list) else []
