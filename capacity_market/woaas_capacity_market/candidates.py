"""Who could take a request over: the open listings of others, matched and scored for the buyer."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_capacity_market import repository, requests
from woaas_capacity_market.matching import Candidate, Demand, Supply, Window, match
from woaas_capacity_market.resources import REQUEST
from woaas_core.db.statements import Row
from woaas_core.money import Currency, Money
from woaas_security.principal import Principal
from woaas_work_orders.orders.entities import Operation, Order
from woaas_work_orders.orders.service import lock_operation

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_SHOWN = 50
# Fields of the request that the terms of a score and the words about it give away.
_TELLING = frozenset({"process", "equipment_class", "max_price", "region", "due_at"})


async def find(uow: "UnitOfWork", principal: Principal, request_id: UUID) -> list[Candidate]:
    """The open listings that could take an own request, the best 50 first, each with the terms of its score.

    Raises:
        ExportControlled: the order has become export controlled.
    """
    row = await requests.get(uow, principal, request_id)
    order, operation = await lock_operation(uow, principal, row["operation_id"])
    requests.require_exportable(order)
    found = await repository.open_listings(uow, process=row["process"], equipment_class=row["equipment_class"])
    return match(demand_of(row, order, operation), [supply_of(r) for r in found], uow.clock.now())[:_SHOWN]


def tells_why(principal: Principal) -> bool:
    """Whether the caller may be told the terms of scores: he reads all of a request that they are made of."""
    return principal.access(REQUEST).readable >= _TELLING


def demand_of(row: Row, order: Order, operation: Operation) -> Demand:
    """A request as matching sees it from the buyer's side."""
    limit = row["max_price"]
    quantity = order.head.quantity
    return Demand(
        process=row["process"],
        equipment_class=row["equipment_class"],
        material_family=row["material_family"],
        quantity=quantity,
        work_time=operation.setup_time + operation.unit_time * float(quantity),
        start_at=row["window_start_at"],
        due_at=row["due_at"],
        region=row["region"],
        currency=row["currency"],
        max_price=Money(limit["minor"], Currency(limit["currency"])).decimal if limit is not None else None,
    )


def supply_of(row: Row) -> Supply:
    """A listing as matching sees it."""
    return Supply(
        listing_id=row["id"],
        party_id=row["party_id"],
        process=row["process"],
        equipment_class=row["equipment_class"],
        materials=row["materials"],
        windows=[window_of(w) for w in row["windows"]],
        price_amount=row["price_amount"],
        currency=row["currency"],
        price_per=row["price_per"],
        min_order=row["min_order"],
        region=row["region"],
        quality=row["quality"],
    )


def window_of(window: Mapping[str, Any]) -> Window:
    """A window of a listing with what is still free of it."""
    return Window(
        datetime.fromisoformat(window["start_at"]),
        datetime.fromisoformat(window["end_at"]),
        window["slots"],
        window["free"],
    )
