"""What becomes of promises once they are answered: read, taken over, given back, run out."""

from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.errors import Conflict, Gone, NotFound
from woaas_core.events.envelope import EventType
from woaas_core.ids import encode_id, try_decode_id
from woaas_core.wire import invalid
from woaas_security.principal import Principal
from woaas_work_orders.promises import events, repository
from woaas_work_orders.promises.resources import PROMISE

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_EXPIRED_AT_ONCE = 100


async def get(uow: "UnitOfWork", principal: Principal, promise_id: UUID, *, lock: bool = False) -> "Record":
    """A promise.

    Raises:
        NotFound: missing.
    """
    principal.require(PROMISE, "read")
    row = await repository.get(uow, promise_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def release(uow: "UnitOfWork", principal: Principal, promise_id: UUID) -> "Record":
    """Give a reservation back; one that no longer holds anything stays as it is.

    Raises:
        Conflict: an order has taken it over: cancel that one.
    """
    principal.require(PROMISE, "release")
    row = await get(uow, principal, promise_id, lock=True)
    if row["state"] == "taken":
        msg = "An order has taken this promise over; cancel the order to free its capacity."
        raise Conflict(msg)
    return await _move(uow, row, "released", events.PROMISE_RELEASED) if row["state"] == "reserved" else row


async def require_reserved(uow: "UnitOfWork", text: str, product: str) -> "Record":
    """The reservation that an order about to be entered takes over, locked.

    Raises:
        Invalid: there is none, it is for another product or holds nothing.
        Gone: it has run out.
    """
    promise_id = try_decode_id("prm", text)
    row = await repository.get(uow, promise_id, lock=True) if promise_id else None
    if row is None:
        raise invalid("/promise_id", "invalid", "There is no such promise.")
    if row["product"] != product:
        raise invalid("/promise_id", "invalid", f"It is a promise for {row['product']}.")
    if row["state"] == "expired" or (row["state"] == "reserved" and row["expires_at"] <= uow.clock.now()):
        msg = "The reservation has run out; ask for a new promise."
        raise Gone(msg)
    if row["state"] != "reserved":
        raise invalid("/promise_id", "invalid", f"The promise is {row['state']}; only a reserved one is taken over.")
    return row


async def take(uow: "UnitOfWork", row: "Record", work_order_id: UUID) -> None:
    """Let an order take a reservation over; its places stay taken, for the order, until a plan has it."""
    await _move(uow, row, "taken", events.PROMISE_TAKEN, work_order_id=work_order_id)


async def expire_due(uow: "UnitOfWork", _principal: Principal) -> int:
    """Free some of the entered tenant's reservations that have run out; returns how many."""
    expired = 0
    for promise_id in await repository.due(uow, limit=_EXPIRED_AT_ONCE):
        row = await repository.get(uow, promise_id, lock=True)
        if row is not None and row["state"] == "reserved":
            await _move(uow, row, "expired", events.PROMISE_EXPIRED)
            expired += 1
    return expired


async def _move(
    uow: "UnitOfWork", row: "Record", state: str, event: EventType, *, work_order_id: UUID | None = None
) -> "Record":
    after = await repository.move(uow, row["id"], state, work_order_id=work_order_id)
    data = {"work_order_id": encode_id("wo", work_order_id)} if work_order_id else {}
    uow.record(
        event,
        subject=encode_id("prm", row["id"]),
        work_order_id=work_order_id,
        version=(row["version"], after["version"]),
        data={"state": state, **data},
    )
    return after
