"""The virtual work orders of expected demand: they are planned where asked for, and use up nothing."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_core.ids import encode_id
from woaas_security.principal import Principal
from woaas_work_orders.orders import events, repository
from woaas_work_orders.orders.creation import foresee
from woaas_work_orders.orders.entities import Order
from woaas_work_orders.orders.inputs import NewWorkOrder
from woaas_work_orders.orders.lifecycle import OrderState
from woaas_work_orders.orders.transitions import carry_out

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

# Behind every real order.
_PRIORITY = 5


async def create(uow: "UnitOfWork", buckets: Sequence[Mapping[str, Any]]) -> list[Order]:
    """One virtual order a bucket, due at the end of its period and not begun before it."""
    return await foresee(
        uow,
        [
            NewWorkOrder(
                product=b["product"],
                quantity=f"{b['quantity']:f}",
                unit=b["unit"],
                priority=_PRIORITY,
                earliest_start_at=b["start_at"],
                due_at=b["end_at"],
            )
            for b in buckets
        ],
    )


async def cancel(uow: "UnitOfWork", principal: Principal, order_id: UUID) -> None:
    """Cancel a virtual order that is still one."""
    head = await repository.get(uow, principal, order_id, lock=True)
    if head is not None and head.state == OrderState.FORECAST:
        await carry_out(uow, principal, await repository.load(uow, head), "cancel")


async def set_quantity(uow: "UnitOfWork", principal: Principal, order_id: UUID, quantity: Decimal) -> None:
    """Let a virtual order that is still one hold another quantity."""
    head = await repository.get(uow, principal, order_id, lock=True)
    if head is None or head.state != OrderState.FORECAST:
        return
    head.quantity = quantity
    head.version += 1
    head.updated_at = uow.clock.now()
    await repository.update_order(uow, head)
    uow.record(
        events.ORDER_UPDATED,
        subject=encode_id("wo", head.id),
        work_order_id=head.id,
        version=(head.version - 1, head.version),
        data={"fields": ["quantity"]},
        changes={"quantity": quantity},
    )
