"""What a change does to signatures: those under a record that now says something else are marked, never taken away."""

import hashlib
from typing import TYPE_CHECKING

from woaas_core.events.envelope import Event
from woaas_core.ids import encode_id
from woaas_work_orders.attachments.repository import current_of
from woaas_work_orders.orders.entities import Order
from woaas_work_orders.signatures import events, repository
from woaas_work_orders.signatures.representation import RECORD, Recorded, record_of, salt_of

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


async def void_changed(uow: "UnitOfWork", order: Order) -> None:
    """Compare what is signed with what is there, after a change under the order's lock has been recorded.

    Costs nothing for an order that nobody has signed.
    """
    if not order.head.is_signed:
        return
    rows = await repository.list_of(uow, order.head.id)
    valid = [row for row in rows if row["state"] == "valid"]
    needs_reports = any(row["scope"] == RECORD for row in valid)
    reports = await repository.reports_of(uow, order.head.id) if needs_reports else []
    recorded = Recorded(reports, await current_of(uow, order.head.id) if valid else [])
    found = {row["id"]: row for row in rows}
    changes = [e for e in uow.events if e.work_order_id == order.head.id]
    for row in valid:
        record = record_of(order, row["operation_id"], row["scope"], recorded, salt_of(row["record"]))
        if hashlib.sha256(record).hexdigest() != row["record_sha256"]:
            change = _change(changes, row)
            found[row["id"]] = await repository.invalidate(uow, row["id"], at=uow.clock.now(), by=change.id)
            uow.record(
                events.SIGNATURE_INVALIDATED,
                subject=encode_id("sig", row["id"]),
                work_order_id=order.head.id,
                data={
                    "operation_id": encode_id("op", row["operation_id"]) if row["operation_id"] else None,
                    "change": encode_id("evt", change.id),
                    "change_type": change.type,
                },
                changes={"state": "invalidated"},
            )
    order.signatures = list(found.values())


def _change(changes: list[Event], row: "Record") -> Event:
    """The last event of this transaction about what is signed, else about anything of its order."""
    operation_id = row["operation_id"]
    subject = encode_id("op", operation_id) if operation_id else encode_id("wo", row["work_order_id"])
    return next((e for e in reversed(changes) if e.subject == subject), changes[-1])
