"""Use cases between the two sides before the award: sign the NDA, quote, bargain."""

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET

from woaas_capacity_market import events, repository
from woaas_capacity_market.candidates import window_of
from woaas_capacity_market.counterparty import own_party, record_both, side
from woaas_capacity_market.inputs import NDASignature, NewQuote, Terms
from woaas_capacity_market.lifecycle import QUOTE_COMMANDS, REQUEST_TRANSITIONS, step, step_quote
from woaas_capacity_market.matching import Demand, Supply, match
from woaas_capacity_market.models import market_ndas, market_quotes
from woaas_capacity_market.resources import NDA, QUOTE
from woaas_capacity_market.views import own_listings, own_ndas, own_quotes
from woaas_core.errors import Conflict, GuardFailed, NotFound
from woaas_core.ids import decode_id, encode_id, uuid7
from woaas_core.money import CurrencyMismatch, Money
from woaas_core.wire import duration_of, given, invalid
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


async def get(uow: "UnitOfWork", principal: Principal, quote_id: UUID) -> "Record":
    """A quote of one's own side.

    Raises:
        NotFound: missing, or between others.
    """
    principal.require(QUOTE, "read")
    row = await repository.shown(uow, own_quotes, quote_id)
    if row is None:
        raise NotFound
    return row


async def sign_nda(uow: "UnitOfWork", principal: Principal, request_id: UUID, body: NDASignature) -> "Record":
    """Sign the agreement of a request on the board; what it opens comes with the answer. Signing twice is one.

    Raises:
        NotFound: not on the board.
    """
    principal.require(NDA, "sign")
    known = await repository.own_nda(uow, request_id)
    nda_id = known["id"] if known else uuid7()
    if known is None:
        met = await _meet(uow, request_id)
        values: dict[str, Any] = {
            **await _sides(uow, met),
            "id": nda_id,
            "request_id": request_id,
            "signed_by": body.signature,
            "details": met["nda_details"],
            "signed_at": uow.clock.now(),
        }
        await repository.insert(uow, market_ndas, values)
        await record_both(
            uow,
            events.NDA_SIGNED,
            values,
            subject=encode_id("nda", nda_id),
            data={"request_id": encode_id("mrq", request_id)},
        )
    row = await repository.shown(uow, own_ndas, nda_id)
    assert row is not None
    return row


async def get_nda(uow: "UnitOfWork", principal: Principal, request_id: UUID) -> "Record":
    """The agreement one has signed for a request.

    Raises:
        NotFound: none.
    """
    principal.require(NDA, "read")
    known = await repository.own_nda(uow, request_id)
    row = await repository.shown(uow, own_ndas, known["id"]) if known else None
    if row is None:
        raise NotFound
    return row


async def submit(uow: "UnitOfWork", principal: Principal, request_id: UUID, body: NewQuote) -> "Record":
    """Quote on a request of the board. The buyer's price limit plays no part: an answer must not tell it.

    Raises:
        NotFound: not on the board.
        GuardFailed: none of the partner's open listings fits what the teaser asks.
        Conflict: an own quote on it is open already.
    """
    principal.require(QUOTE, "submit").check_writable(given(body))
    met = await _meet(uow, request_id)
    price, lead_time = _terms(body, met["currency"])
    if await repository.open_quote_by(uow, request_id) is not None:
        msg = "You have an open quote on this request; withdraw it or wait for the answer."
        raise Conflict(msg)
    now = uow.clock.now()
    values: dict[str, Any] = {
        **await _sides(uow, met),
        "id": uuid7(),
        "request_id": request_id,
        "listing_id": await _listing_behind(uow, request_id, body, met["currency"]),
        "price_minor": price.amount_minor,
        "currency": price.currency.code,
        "lead_time": lead_time,
        "offered_by": "partner",
        "state": "submitted",
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    await repository.insert(uow, market_quotes, values)
    await repository.note_quoting(uow, request_id, step(REQUEST_TRANSITIONS, met["state"], "quote", permitted=()))
    await record_both(
        uow,
        events.QUOTE_SUBMITTED,
        values,
        subject=encode_id("quo", values["id"]),
        version=(None, 1),
        data={"request_id": encode_id("mrq", request_id), "state": "submitted"},
    )
    return await get(uow, principal, values["id"])


async def command(
    uow: "UnitOfWork", principal: Principal, quote_id: UUID, name: str, terms: Terms | None = None
) -> "Record":
    """Counter, accept, decline or withdraw: an offer is answered by the other side, and accepted terms are fixed.

    Raises:
        WrongParty, InvalidTransition, CurrencyMismatch: see each.
    """
    access = principal.require(QUOTE, name)
    row = await repository.lock(uow, market_quotes, quote_id)
    if row is None:
        raise NotFound
    party = side(uow, row)
    state = step_quote(row["state"], name, party, row["offered_by"], permitted=access.actions & QUOTE_COMMANDS)
    changes: dict[str, Any] = {"state": state}
    if terms is not None:
        price, lead_time = _terms(terms, row["currency"])
        changes |= {"price_minor": price.amount_minor, "lead_time": lead_time, "offered_by": party.value}
    await repository.write(uow, market_quotes, row, **changes)
    await record_both(
        uow,
        events.QUOTE_COMMANDED[name],
        row,
        subject=encode_id("quo", quote_id),
        version=(row["version"], row["version"] + 1),
        data={"request_id": encode_id("mrq", row["request_id"]), "state": state},
    )
    return await get(uow, principal, quote_id)


async def _meet(uow: "UnitOfWork", request_id: UUID) -> "Record":
    met = await repository.meet(uow, request_id)
    if met is None:
        raise NotFound
    return met


async def _sides(uow: "UnitOfWork", met: "Record") -> dict[str, Any]:
    return {
        "buyer_tenant_id": met["buyer_tenant_id"],
        "partner_tenant_id": uow.tenant,
        "buyer_party_id": met["buyer_party_id"],
        "partner_party_id": await own_party(uow),
    }


def _terms(terms: Terms, currency: str) -> tuple[Money, timedelta]:
    price = terms.price.money("/price")
    if price.amount_minor <= 0:
        raise invalid("/price/amount", "invalid", "A price is above zero.")
    if price.currency.code != currency:
        msg = f"This request is settled in {currency}."
        raise CurrencyMismatch(msg)
    return price, duration_of(terms.lead_time, "/lead_time")


async def _listing_behind(uow: "UnitOfWork", request_id: UUID, body: NewQuote, currency: str) -> UUID:
    """The open listing whose capacity an award will take: the one named, or the best fit to the teaser."""
    wanted = None if body.listing_id is UNSET else decode_id("lst", str(body.listing_id))
    teaser = await repository.teaser(uow, request_id)
    assert teaser is not None
    # The partner knows a band and no quantity, so its own order minimum is its own affair here.
    demand = Demand(
        process=teaser["process"],
        equipment_class=teaser["equipment_class"],
        material_family=teaser["material_family"],
        quantity=Decimal("Infinity"),
        work_time=timedelta(0),
        start_at=teaser["window_start_at"],
        due_at=teaser["due_at"],
        region=None,
        currency=currency,
    )
    fitting = [_own_supply(r) for r in await repository.own_open_listings(uow) if wanted in (None, r["id"])]
    if wanted is not None and not fitting and await repository.shown(uow, own_listings, wanted) is None:
        raise NotFound
    best = match(demand, fitting, uow.clock.now())
    if not best:
        msg = "No open listing of yours fits this request: process, equipment, material, window and currency must."
        raise GuardFailed(msg, members={"missing": ["an open listing that fits"]})
    return best[0].listing_id


def _own_supply(row: "Record") -> Supply:
    price = row["price"]
    return Supply(
        listing_id=row["id"],
        party_id=row["id"],
        process=row["process"],
        equipment_class=row["equipment_class"],
        materials=row["materials"],
        windows=[window_of(w) for w in row["windows"]],
        price_amount=Decimal(price["amount"]),
        currency=price["currency"],
        price_per="lot",
        min_order=row["min_order"],
        region=row["region"],
        quality=None,
    )
