"""Expected demand against real orders: what is used up, called off, replaced or over.

Computed anew each time from the rows as they are, so doing it twice, or again from the log, changes nothing: a
bucket's ``consumed`` is what real orders of its product and period ask for, at most its quantity, and its virtual
order holds the rest. Used up, the virtual order is cancelled; when a real order goes away there is a new one.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from woaas_core.ids import encode_id
from woaas_security.principal import Principal
from woaas_work_orders.forecasts import events, repository, virtual_orders
from woaas_work_orders.orders.lifecycle import OrderState

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


async def net(uow: "UnitOfWork", principal: Principal, products: Sequence[str]) -> None:
    """Bring the expected demand of products in line with the orders there are."""
    for bucket in await repository.standing(uow, products):
        if bucket["state"] == "open" and bucket["order_state"] != OrderState.FORECAST:
            # Somebody released it, or called it off.
            state = "cancelled" if bucket["order_state"] == OrderState.CANCELLED else "released"
            _ended(uow, await repository.move(uow, bucket, state=state))
        else:
            await _consume(uow, principal, bucket)


async def end(uow: "UnitOfWork", principal: Principal, buckets: "Iterable[Record]", state: str) -> int:
    """End buckets for another reason than real orders; their virtual orders are cancelled. Returns how many."""
    count = 0
    for bucket in buckets:
        if bucket["state"] == "open":
            await virtual_orders.cancel(uow, principal, bucket["work_order_id"])
        _ended(uow, await repository.move(uow, bucket, state=state))
        count += 1
    return count


async def lapse(uow: "UnitOfWork", principal: Principal) -> int:
    """End what was expected of periods that are over."""
    return await end(uow, principal, await repository.past(uow), "lapsed")


async def _consume(uow: "UnitOfWork", principal: Principal, bucket: "Record") -> None:
    consumed = min(bucket["quantity"], bucket["demand"])
    if consumed == bucket["consumed"]:
        return
    left: Decimal = bucket["quantity"] - consumed
    order_id = bucket["work_order_id"]
    if left == 0:
        await virtual_orders.cancel(uow, principal, order_id)
    elif bucket["state"] == "consumed":
        (order,) = await virtual_orders.create(uow, [{**dict(bucket), "quantity": left}])
        order_id = order.head.id
    else:
        await virtual_orders.set_quantity(uow, principal, order_id, left)
    row = await repository.move(
        uow, bucket, state="open" if left else "consumed", consumed=consumed, work_order_id=order_id
    )
    uow.record(
        events.BUCKET_CONSUMED,
        subject=encode_id("fcb", row["id"]),
        work_order_id=order_id,
        version=(row["version"] - 1, row["version"]),
        data={"product": row["product"], "state": row["state"], "consumed": str(consumed), "left": str(left)},
    )


def _ended(uow: "UnitOfWork", row: "Record") -> None:
    uow.record(
        events.BUCKET_ENDED[row["state"]],
        subject=encode_id("fcb", row["id"]),
        work_order_id=row["work_order_id"],
        version=(row["version"] - 1, row["version"]),
        data={"product": row["product"], "state": row["state"]},
    )
