"""From usage to an invoice: preview what the open period costs, or close it and issue its invoice."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from woaas_billing import invoice_repository, ledger, limits, periods, repository
from woaas_billing.events import INVOICE_ISSUED
from woaas_billing.ledger import Account, Entry
from woaas_billing.periods import METER
from woaas_billing.pricing import Charge, rate, read_price, total
from woaas_billing.resources import INVOICE, USAGE_EVENT
from woaas_core.errors import NotFound
from woaas_core.events.canonical import canonical
from woaas_core.ids import encode_id, try_decode_id, uuid7
from woaas_core.money import Currency, Money
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

OPEN = "open"
_SERIES_LENGTH = 8


class Rated(NamedTuple):
    """A period with what its usage costs."""

    period: "Record"
    charges: tuple[Charge, ...]
    currency: Currency
    units: Any

    @property
    def total(self) -> Money:
        """The sum of the rounded lines."""
        return total(self.charges, self.currency)

    @property
    def free_units(self) -> Any:
        """Units in lines that cost nothing."""
        return sum(c.quantity for c in self.charges if not c.exact)


async def usage(uow: "UnitOfWork", principal: Principal, period: str) -> Rated:
    """What a period (``open`` or an id) holds and costs so far.

    Raises:
        NotFound: no such period, or none open yet.
    """
    principal.require(USAGE_EVENT, "read")
    return await _rate(uow, await _find_period(uow, period))


async def preview(uow: "UnitOfWork", principal: Principal, period: str) -> Rated:
    """The invoice that issuing now would make; changes nothing.

    Raises:
        NotFound: no such period, or none open yet.
    """
    principal.require(INVOICE, "read")
    return await _rate(uow, await _find_period(uow, period))


async def issue(uow: "UnitOfWork", principal: Principal, period: str) -> "Record":
    """Close the open period and issue its invoice; a period named by its id that has one gets that one again.

    One transaction: the period is locked, frozen and followed by the next, its usage rated, the invoice numbered and
    posted to the ledger. Usage recorded later is in the next period.

    Raises:
        NotFound: no such period.
    """
    principal.require(INVOICE, "issue")
    named = None if period == OPEN else await _find_period(uow, period)
    open_period = await periods.lock_open(uow)
    if named is not None and named["id"] != open_period["id"]:
        # Closed before, or by another request while this one waited for the lock.
        issued = await invoice_repository.of_period(uow, named["id"])
        assert issued is not None
        return issued
    return await _close_and_issue(uow, open_period)


async def renew(uow: "UnitOfWork", principal: Principal) -> int:
    """Close the open period and issue its invoice if it is due to be renewed; returns how many were, 0 or 1.

    A period ends when it is closed and not when it was due: what was recorded in between is in it. So a long outage
    makes one long period, and its successor ends with its own month.
    """
    principal.require(INVOICE, "issue")
    open_period = await periods.lock_open(uow)
    if open_period["renews_at"] > uow.clock.now():
        return 0
    await _close_and_issue(uow, open_period)
    return 1


async def get(uow: "UnitOfWork", principal: Principal, key: str) -> "Record":
    """An invoice by id or number.

    Raises:
        NotFound: there is none.
    """
    principal.require(INVOICE, "read")
    row = await invoice_repository.find(uow, invoice_id=try_decode_id("inv", key), number=key)
    if row is None:
        raise NotFound
    return row


async def lines(uow: "UnitOfWork", invoice_id: UUID) -> "list[Record]":
    """The lines of an invoice that ``get`` or ``issue`` gave."""
    return await invoice_repository.lines(uow, invoice_id)


def describe(charge: Charge) -> str:
    """What a line says it is for."""
    if charge.kind == "true_up":
        return "Minimum charge of the period"
    first = charge.above + 1
    if charge.up_to is not None:
        return f"Processed work orders {first:f} to {charge.up_to:f}"
    return f"Processed work orders from {first:f}" if charge.above else "Processed work orders"


def content_of(rated: Rated, *, number: str, tenant_id: UUID) -> bytes:
    """The canonical bytes of an invoice: made of its period and usage alone, so they can be made again."""
    period = rated.period
    return canonical(
        msgspec.to_builtins(
            {
                "v": 1,
                "number": number,
                "tenant": encode_id("ten", tenant_id),
                "period": {
                    "id": encode_id("bp", period["id"]),
                    "number": period["number"],
                    "starts_at": period["starts_at"],
                    "ends_at": period["ends_at"],
                    "events_sha256": period["events_sha256"].hex(),
                },
                "price": encode_id("prc", period["price_id"]),
                "currency": rated.currency.code,
                "lines": [
                    {
                        "meter": METER,
                        "kind": c.kind,
                        "description": describe(c),
                        "quantity": f"{c.quantity:f}",
                        "unit_price": f"{c.unit:f}",
                        "exact": f"{c.exact:f}",
                        "amount": c.amount(rated.currency).text(),
                    }
                    for c in rated.charges
                ],
                "total": rated.total.text(),
            }
        )
    )


async def rebuild(uow: "UnitOfWork", invoice: "Record") -> bytes:
    """An issued invoice's content made anew from the usage of its period."""
    period = await repository.period(uow, invoice["period_id"])
    assert period is not None
    return content_of(await _rate(uow, period), number=invoice["number"], tenant_id=uow.tenant)


async def _close_and_issue(uow: "UnitOfWork", open_period: "Record") -> "Record":
    gathered = await periods.close(uow, open_period)
    closed = await repository.period(uow, open_period["id"])
    assert closed is not None
    rated = await _rate(uow, closed)
    assert rated.units == gathered["units"]
    invoice_id = await _write(uow, rated)
    await limits.refresh_allowance(uow)
    row = await invoice_repository.find(uow, invoice_id=invoice_id)
    assert row is not None
    return row


async def _rate(uow: "UnitOfWork", period: "Record") -> Rated:
    price = await repository.price(uow, period["price_id"])
    units = await repository.units(uow, period["id"])
    charges = rate(read_price(price["price"]), units, after=await repository.units_before(uow, period))
    return Rated(period, charges, Currency(price["currency"]), units)


async def _find_period(uow: "UnitOfWork", key: str) -> "Record":
    if key == OPEN:
        found = await repository.open_period(uow)
    else:
        period_id = try_decode_id("bp", key)
        found = await repository.period(uow, period_id) if period_id else None
    if found is None:
        msg = "There is no such billing period; the first one opens a moment after the tenant."
        raise NotFound(msg)
    return found


async def _write(uow: "UnitOfWork", rated: Rated) -> UUID:
    invoice_id = uuid7()
    # Each tenant has a series of its own: its numbers show no other's.
    series = encode_id("ten", uow.tenant)[-_SERIES_LENGTH:].upper()
    sequence = await invoice_repository.next_in_series(uow, series)
    number = f"{series}-{sequence:06d}"
    content = content_of(rated, number=number, tenant_id=uow.tenant)
    digest = sha256(content).digest()
    amount = rated.total
    await invoice_repository.insert(
        uow,
        {
            "id": invoice_id,
            "period_id": rated.period["id"],
            "series": series,
            "sequence": sequence,
            "number": number,
            "state": "issued",
            "currency": rated.currency.code,
            "total_minor": amount.amount_minor,
            "content": content,
            "content_sha256": digest,
            "issued_at": uow.clock.now(),
        },
        _lines(invoice_id, rated.charges, rated.currency),
    )
    if amount.amount_minor:
        entries = (Entry(Account.RECEIVABLE, amount), Entry(Account.REVENUE, -amount))
        await ledger.post(uow, f"invoice:{number}", entries)
    uow.record(
        INVOICE_ISSUED,
        subject=encode_id("inv", invoice_id),
        data={"number": number, "period": encode_id("bp", rated.period["id"]), "content_sha256": digest.hex()},
        changes={"total": amount.text(), "currency": rated.currency.code},
    )
    return invoice_id


def _lines(invoice_id: UUID, charges: Sequence[Charge], currency: Currency) -> Iterator[dict[str, object]]:
    for position, charge in enumerate(charges, 1):
        yield {
            "id": uuid7(),
            "invoice_id": invoice_id,
            "position": position,
            "meter": METER,
            "kind": charge.kind,
            "description": describe(charge),
            "quantity": charge.quantity,
            "unit_price": charge.unit,
            "amount_exact": charge.exact,
            "amount_minor": charge.amount(currency).amount_minor,
        }
