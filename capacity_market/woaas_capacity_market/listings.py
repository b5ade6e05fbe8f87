"""Use cases of supply: put capacity on the market, take it off."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET, to_builtins

from woaas_capacity_market import events, repository
from woaas_capacity_market.counterparty import own_party
from woaas_capacity_market.inputs import NewListing
from woaas_capacity_market.lifecycle import step
from woaas_capacity_market.models import market_listings
from woaas_capacity_market.resources import LISTING
from woaas_capacity_market.views import own_listings
from woaas_core.errors import NotFound
from woaas_core.ids import encode_id, uuid7
from woaas_core.money import Currency
from woaas_core.wire import given, invalid, utc
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_STANDING_OFFER = timedelta(days=90)
LISTING_TRANSITIONS: Mapping[tuple[str, str], str] = {
    ("open", "pause"): "paused",
    ("paused", "open"): "open",
    ("open", "close"): "closed",
    ("paused", "close"): "closed",
}
LISTING_COMMANDS = frozenset({"open", "pause", "close"})


async def get(uow: "UnitOfWork", principal: Principal, listing_id: UUID) -> "Record":
    """An own listing.

    Raises:
        NotFound: missing or another tenant's.
    """
    principal.require(LISTING, "read")
    row = await repository.shown(uow, own_listings, listing_id)
    if row is None:
        raise NotFound
    return row


async def create(uow: "UnitOfWork", principal: Principal, body: NewListing) -> "Record":
    """Put capacity on the market."""
    principal.require(LISTING, "create").check_writable(given(body))
    now = uow.clock.now()
    chosen = _values(uow, body)
    values = {
        **chosen,
        "tenant_id": uow.tenant,
        "id": uuid7(),
        "party_id": await own_party(uow),
        "livemode": uow.livemode,
        "state": "open" if body.state is UNSET else body.state,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    await repository.insert(uow, market_listings, values)
    _record(uow, events.LISTING_CREATED, values, before=None, changes=to_builtins(given(body)))
    return await get(uow, principal, values["id"])


async def replace(uow: "UnitOfWork", principal: Principal, listing_id: UUID, body: NewListing) -> "Record":
    """Replace an own listing; members left out are unset, contracts already made keep their windows."""
    principal.require(LISTING, "update").check_writable(given(body))
    row = await _locked(uow, listing_id)
    if row["state"] == "closed":
        step(LISTING_TRANSITIONS, row["state"], "update", permitted=())
    state = row["state"] if body.state is UNSET else body.state
    changed = _values(uow, body)
    after = await repository.write(uow, market_listings, row, **changed, state=state)
    _record(uow, events.LISTING_UPDATED, after, before=row["version"], changes=to_builtins(given(body)))
    return await get(uow, principal, listing_id)


async def command(uow: "UnitOfWork", principal: Principal, listing_id: UUID, name: str) -> "Record":
    """Open, pause or close an own listing.

    Raises:
        InvalidTransition: with ``allowed_commands``; a closed listing stays closed.
    """
    access = principal.require(LISTING, name)
    row = await _locked(uow, listing_id)
    state = step(LISTING_TRANSITIONS, row["state"], name, permitted=LISTING_COMMANDS & access.actions)
    after = await repository.write(uow, market_listings, row, state=state)
    _record(uow, events.LISTING_COMMANDED[name], after, before=row["version"], changes={})
    return await get(uow, principal, listing_id)


async def _locked(uow: "UnitOfWork", listing_id: UUID) -> "Record":
    row = await repository.lock(uow, market_listings, listing_id)
    if row is None:
        raise NotFound
    return row


def _values(uow: "UnitOfWork", body: NewListing) -> dict[str, Any]:
    def chosen(value: Any, default: Any) -> Any:
        return default if value is UNSET or value is None else value

    amount = Decimal(body.price.amount)
    if amount < 0:
        raise invalid("/price/amount", "invalid", "A price is not negative.")
    try:
        Currency(body.price.currency)
    except ValueError as error:
        raise invalid("/price/currency", "invalid", f"{error}.") from None
    return {
        "process": body.process,
        "equipment_class": chosen(body.equipment_class, None),
        "materials": chosen(body.materials, []),
        "envelope": chosen(body.envelope, {}),
        "tolerance": chosen(body.tolerance, None),
        "certificates": chosen(body.certificates, []),
        "windows": _windows(uow, body),
        "price_amount": amount,
        "currency": body.price.currency,
        "price_per": body.price.per,
        "min_order": Decimal(chosen(body.min_order, "0")),
        "region": chosen(body.region, None),
    }


def _windows(uow: "UnitOfWork", body: NewListing) -> list[dict[str, Any]]:
    if body.windows is UNSET:
        now = uow.clock.now()
        return [{"start_at": now.isoformat(), "end_at": (now + _STANDING_OFFER).isoformat(), "slots": 1}]
    windows: list[dict[str, Any]] = []
    last: datetime | None = None
    for i, window in enumerate(body.windows):
        start, end = utc(window.start_at, f"/windows/{i}/start_at"), utc(window.end_at, f"/windows/{i}/end_at")
        assert start is not None
        assert end is not None
        if end <= start:
            raise invalid(f"/windows/{i}/end_at", "invalid", "The window ends before it starts.")
        if last is not None and start < last:
            raise invalid(f"/windows/{i}/start_at", "invalid", "Windows follow one another and do not overlap.")
        windows.append({"start_at": start.isoformat(), "end_at": end.isoformat(), "slots": window.slots})
        last = end
    return windows


def _record(uow: "UnitOfWork", kind: Any, row: Mapping[str, Any], *, before: int | None, changes: Any) -> None:
    uow.record(
        kind,
        subject=encode_id("lst", row["id"]),
        version=(before, row["version"]),
        data={"state": row["state"]},
        changes=changes,
    )
