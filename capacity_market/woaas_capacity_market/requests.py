"""Use cases of demand: draft a request for an operation, publish its teaser, see who could take it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from woaas_capacity_market import events, repository
from woaas_capacity_market.counterparty import own_party, record_both
from woaas_capacity_market.errors import ExportControlled
from woaas_capacity_market.inputs import Disclosure, NewRequest
from woaas_capacity_market.lifecycle import QUOTE_TRANSITIONS, REQUEST_COMMANDS, REQUEST_TRANSITIONS, step
from woaas_capacity_market.models import market_quotes, market_requests
from woaas_capacity_market.resources import REQUEST
from woaas_capacity_market.sharing import Level, quantity_band, shared_fields
from woaas_capacity_market.views import own_requests
from woaas_core.errors import Conflict, GuardFailed, NotFound
from woaas_core.ids import decode_id, encode_id, uuid7
from woaas_core.money import Money
from woaas_core.wire import given, invalid, utc
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants
from woaas_work_orders.orders.entities import Operation, Order
from woaas_work_orders.orders.outsourcing import require_not_started
from woaas_work_orders.orders.resources import OPERATION
from woaas_work_orders.orders.service import lock_operation
from woaas_work_orders.resources import repository as master_data

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


# What one transaction expires: each request stays locked until its end.
_EXPIRED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """What a draft is made from, whoever asks for it."""

    operation_id: UUID
    due_at: datetime | None = None
    expires_at: datetime | None = None
    max_price: Money | None = None
    disclosure: Disclosure = field(default_factory=Disclosure)


async def get(uow: "UnitOfWork", principal: Principal, request_id: UUID) -> "Record":
    """An own request; partners see requests on the board only.

    Raises:
        NotFound: missing or another tenant's.
    """
    principal.require(REQUEST, "read")
    row = await repository.shown(uow, own_requests, request_id)
    if row is None:
        raise NotFound
    return row


async def create(uow: "UnitOfWork", principal: Principal, body: NewRequest) -> "Record":
    """Draft a request for an operation that has not started.

    Raises:
        ExportControlled: the order must not leave the house.
        Conflict: a request for the operation is out already.
    """
    principal.require(REQUEST, "create").check_writable(given(body))
    disclosure = body.disclosure
    if isinstance(disclosure, UnsetType):
        disclosure = Disclosure()
    elif isinstance(disclosure, str):
        disclosure = Disclosure(level=disclosure)
    wish = Wish(
        operation_id=decode_id("op", body.operation_id),
        due_at=None if body.due_at is UNSET else utc(body.due_at, "/due_at"),
        expires_at=None if body.expires_at is UNSET else utc(body.expires_at, "/expires_at"),
        max_price=body.max_price.money("/max_price") if body.max_price else None,
        disclosure=disclosure,
    )
    return await get(uow, principal, await draft(uow, principal, wish))


async def draft(uow: "UnitOfWork", principal: Principal, wish: Wish) -> UUID:
    """Write a draft. Locks the order, so that two drafts for one operation take turns."""
    order, operation = await lock_operation(uow, principal, wish.operation_id)
    require_exportable(order)
    require_not_started(operation)
    known = await repository.open_request_of(uow, operation.id)
    if known is not None:
        msg = f"{encode_id('mrq', known)} is out for this operation already."
        raise Conflict(msg)
    now = uow.clock.now()
    due_at = wish.due_at or order.head.due_at
    if due_at is None:
        raise invalid("/due_at", "required", "'due_at' is required where the work order has none.")
    if due_at <= now:
        raise invalid("/due_at", "in_the_past", "Nobody can deliver by a time that has passed; give a later 'due_at'.")
    if wish.expires_at is not None and wish.expires_at <= now:
        raise invalid("/expires_at", "in_the_past", "The request would have expired before it began.")
    currency = wish.max_price.currency.code if wish.max_price else (await tenants.get(uow))["currency"]
    chosen = wish.disclosure
    values: dict[str, Any] = {
        "tenant_id": uow.tenant,
        "id": uuid7(),
        "party_id": await own_party(uow),
        "livemode": uow.livemode,
        "operation_id": operation.id,
        "work_order_id": order.head.id,
        "process": chosen.process,
        "equipment_class": chosen.equipment_class or await _equipment_class(uow, operation),
        "material_family": chosen.material_family,
        "quantity": order.head.quantity,
        "quantity_band": quantity_band(order.head.quantity),
        "window_start_at": max(order.head.earliest_start_at or now, now),
        "due_at": due_at,
        "region": chosen.region,
        "max_price_minor": wish.max_price.amount_minor if wish.max_price else None,
        "currency": currency,
        "disclosure": msgspec.to_builtins(chosen),
        "nda_details": {},
        "state": "draft",
        "expires_at": wish.expires_at or due_at,
        "contract_id": None,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    await repository.insert(uow, market_requests, values)
    uow.record(
        events.REQUEST_CREATED,
        subject=encode_id("mrq", values["id"]),
        work_order_id=order.head.id,
        version=(None, 1),
        data={"operation_id": encode_id("op", operation.id), "state": "draft"},
        changes={"due_at": due_at, "max_price": wish.max_price.text() if wish.max_price else None},
    )
    request_id: UUID = values["id"]
    return request_id


async def command(uow: "UnitOfWork", principal: Principal, request_id: UUID, name: str) -> "Record":
    """Publish, withdraw or cancel an own request.

    Withdrawing and cancelling let its open quotes lapse and tell each partner.

    Raises:
        InvalidTransition, ExportControlled, GuardFailed: see each; the last where a draft's time is over.
    """
    access = principal.require(REQUEST, name)
    order: Order | None = None
    if name == "publish":
        seen = await get(uow, principal, request_id)
        order, operation = await lock_operation(uow, principal, seen["operation_id"])
        require_exportable(order)
        require_not_started(operation)
    row = await lock_fresh(uow, principal, request_id)
    state = step(REQUEST_TRANSITIONS, row["state"], name, permitted=access.actions & REQUEST_COMMANDS)
    changes: dict[str, Any] = {"state": state}
    if order is not None:
        if row["expires_at"] <= uow.clock.now():
            msg = "The draft's time is over; cancel it and draft another."
            raise GuardFailed(msg)
        changes["nda_details"] = _nda_details(principal, row, order)
    await _move(uow, row, name, **changes)
    if name == "publish":
        await repository.publish_teaser(uow, request_id)
    else:
        await leave_board(uow, row, "lapse")
    return await get(uow, principal, request_id)


async def lock_fresh(uow: "UnitOfWork", principal: Principal, request_id: UUID) -> "Record":
    """An own request locked for a command.

    Raises:
        NotFound: missing or another tenant's.
    """
    principal.require(REQUEST, "read")
    row = await repository.lock(uow, market_requests, request_id)
    if row is None:
        raise NotFound
    return row


async def leave_board(uow: "UnitOfWork", row: "Record", quotes: str, *, winner: UUID | None = None) -> None:
    """Take a locked request's teaser down and end its open quotes (``lapse`` or ``expire``) but the winner."""
    await repository.remove_teaser(uow, row["id"])
    for quote in await repository.lock_open_quotes(uow, row["id"]):
        if quote["id"] == winner:
            continue
        state = step(QUOTE_TRANSITIONS, quote["state"], quotes, permitted=())
        await repository.write(uow, market_quotes, quote, state=state)
        await record_both(
            uow,
            events.QUOTE_COMMANDED[quotes],
            quote,
            subject=encode_id("quo", quote["id"]),
            work_order_id=row["work_order_id"],
            version=(quote["version"], quote["version"] + 1),
            data={"request_id": encode_id("mrq", row["id"]), "state": state},
        )


async def expire_due(uow: "UnitOfWork", principal: Principal) -> int:
    """Expire some of the entered tenant's requests whose time on the board has run out; returns how many.

    Their open quotes expire with them, and each partner is told.
    """
    expired = 0
    for request_id in await repository.expired_requests(uow, limit=_EXPIRED_AT_ONCE):
        row = await lock_fresh(uow, principal, request_id)
        # Awarded or withdrawn while this one waited for its lock: then there is nothing to expire.
        if (row["state"], "expire") in REQUEST_TRANSITIONS:
            await _move(uow, row, "expire", state=REQUEST_TRANSITIONS[(row["state"], "expire")])
            await leave_board(uow, row, "expire")
            expired += 1
    return expired


async def award_to(uow: "UnitOfWork", row: "Record", *, contract_id: UUID, winner: UUID) -> None:
    """Mark a locked request awarded and let every other quote lapse."""
    await _move(uow, row, "award", state="awarded", contract_id=contract_id)
    await leave_board(uow, row, "lapse", winner=winner)


async def void(uow: "UnitOfWork", request_id: UUID) -> "Record":
    """End the request of a cancelled contract, so that a new one can be made for the operation."""
    row = await repository.lock(uow, market_requests, request_id)
    assert row is not None
    await _move(uow, row, "void", state=REQUEST_TRANSITIONS[(row["state"], "void")])
    return row


def require_exportable(order: Order) -> None:
    """Refuse to offer an export-controlled order to anybody.

    Raises:
        ExportControlled: it is.
    """
    if order.head.export_controlled:
        raise ExportControlled


async def _equipment_class(uow: "UnitOfWork", operation: Operation) -> str | None:
    """The class of the machine the operation would run on here: a class, not the machine, goes on the teaser."""
    if not operation.work_centers:
        return None
    machine = await master_data.find(uow, "work_center", operation.work_centers[0])
    return machine["body"].get("equipment_class") if machine else None


def _nda_details(principal: Principal, row: "Record", order: Order) -> dict[str, Any]:
    if row["disclosure"]["level"] == "teaser":
        return {}
    operation = order.operation(row["operation_id"])
    return shared_fields(Level.NDA, order.head, operation, readable=principal.access(OPERATION).of(operation).readable)


async def _move(uow: "UnitOfWork", row: "Record", command_name: str, **changes: Any) -> None:
    after = await repository.write(uow, market_requests, row, **changes)
    uow.record(
        events.REQUEST_COMMANDED[command_name],
        subject=encode_id("mrq", row["id"]),
        work_order_id=row["work_order_id"],
        version=(row["version"], row["version"] + 1),
        data={"state": after["state"], "operation_id": encode_id("op", row["operation_id"])},
    )
