"""Counting a processed order: once and for ever, in the period open when it is recorded."""

from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from woaas_billing import limits, periods, repository
from woaas_billing.events import USAGE_RECORDED
from woaas_billing.periods import METER
from woaas_core.errors import Conflict
from woaas_core.events.canonical import canonical
from woaas_core.events.readers import LoggedEvent
from woaas_core.ids import encode_id, uuid7

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

CHARGE = "charge"
_ONE = Decimal(1)


class UsageDiffers(Conflict):
    """A usage event of this identifier was recorded with another content."""

    code = "usage_differs"
    title = "The usage event exists with another content"
    hint = "An identifier names one fact for ever; correct by a reversal."


def identifier_of(work_order_id: UUID) -> str:
    """The identifier of an order's usage: made from the order alone, so that every retry makes the same."""
    return f"{encode_id('wo', work_order_id)}:processed"


async def record_processed(uow: "UnitOfWork", completed: LoggedEvent) -> bool:
    """Count a first completion; False when the order was counted before.

    Holds the open period in share until the commit and records ``usage.recorded``.

    Raises:
        NoOpenPeriod: the event must be met again, so its reader must not move on.
        UsageDiffers: the identifier was used for another fact.
    """
    order_id = completed.work_order_id
    assert order_id is not None
    identifier = identifier_of(order_id)
    payload_hash = sha256(canonical({"id": identifier, "meter": METER, "kind": CHARGE, "quantity": "1"})).digest()
    period = await periods.share_open(uow)
    is_new = await repository.insert_usage(
        uow,
        {
            "id": uuid7(),
            "identifier": identifier,
            "period_id": period["id"],
            "meter": METER,
            "kind": CHARGE,
            "work_order_id": order_id,
            "number": str(completed.data["number"]),
            "quantity": _ONE,
            "payload_hash": payload_hash,
            "event_id": completed.id,
            "audit_index": completed.index,
            "occurred_at": completed.recorded_at,
            "recorded_at": uow.clock.now(),
        },
    )
    if not is_new:
        if await repository.usage_hash(uow, order_id, METER, CHARGE) != payload_hash:
            raise UsageDiffers
        return False
    uow.record(
        USAGE_RECORDED,
        subject=identifier,
        work_order_id=order_id,
        data={"period": encode_id("bp", period["id"]), "meter": METER, "kind": CHARGE, "quantity": "1"},
    )
    await limits.note_soft_limit(uow, period)
    return True
