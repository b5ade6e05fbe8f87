"""Limits on what a period may cost, in money.

The hard one becomes the allowance that release takes from: how many more orders fit under it, less those released and
not yet counted. So a place is reserved at release, used at completion and given back by cancel or abort.
"""

from typing import TYPE_CHECKING

from woaas_billing import repository
from woaas_billing.events import SPEND_LIMIT_NEARED, SPEND_LIMIT_SET
from woaas_billing.inputs import SpendLimit
from woaas_billing.periods import METER, share_open
from woaas_billing.pricing import rate, read_price, total, units_within
from woaas_billing.resources import SPEND_LIMIT
from woaas_core.ids import encode_id, uuid7
from woaas_core.money import Currency, CurrencyMismatch, Money
from woaas_core.wire import MoneyBody, invalid
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


async def set_limit(uow: "UnitOfWork", principal: Principal, body: SpendLimit) -> "Record":
    """Replace the limits; a member left out or null is no limit. Takes effect on the next release.

    Raises:
        CurrencyMismatch: another currency than the plan's.
        Invalid: a negative limit, or a soft one above the hard one.
    """
    principal.require(SPEND_LIMIT, "update").check_writable(("soft", "hard"))
    period = await share_open(uow)
    currency = Currency((await repository.price(uow, period["price_id"]))["currency"])
    soft, hard = _amount(body.soft, currency, "/soft"), _amount(body.hard, currency, "/hard")
    if soft is not None and hard is not None and hard < soft:
        raise invalid("/soft", "invalid", "The soft limit is not above the hard one.")
    row = await repository.set_spend_limit(
        uow,
        id=uuid7(),
        currency=currency.code,
        soft_minor=soft.amount_minor if soft is not None else None,
        hard_minor=hard.amount_minor if hard is not None else None,
    )
    uow.record(
        SPEND_LIMIT_SET,
        subject=encode_id("lim", row["id"]),
        version=(row["version"] - 1 or None, row["version"]),
        changes={"soft": soft.text() if soft else None, "hard": hard.text() if hard else None},
    )
    await refresh_allowance(uow)
    await note_soft_limit(uow, period)
    return row


async def refresh_allowance(uow: "UnitOfWork") -> None:
    """Set anew how many more orders may be released in the open period; does nothing without limits.

    Locks the allowance first: a release that has taken from it is then seen among the reserved ones.
    """
    limit = await repository.spend_limit(uow)
    if limit is None:
        return
    await tenants.lock(uow)
    level = None
    period = await repository.open_period(uow)
    if limit["hard_minor"] is not None and period is not None:
        price = await repository.price(uow, period["price_id"])
        hard = Money(limit["hard_minor"], Currency(limit["currency"]))
        after = await repository.units_before(uow, period)
        fitting = units_within(read_price(price["price"]), hard, after=after)
        if fitting is not None:
            counted = int(await repository.units(uow, period["id"]))
            level = max(0, fitting - counted - await repository.reserved(uow, METER))
    await tenants.set_release_allowance(uow, level)


async def note_soft_limit(uow: "UnitOfWork", period: "Record") -> None:
    """Record once a period that its usage has reached the soft limit."""
    limit = await repository.spend_limit(uow)
    if limit is None or limit["soft_minor"] is None or limit["neared_period_id"] == period["id"]:
        return
    price = await repository.price(uow, period["price_id"])
    soft = Money(limit["soft_minor"], Currency(limit["currency"]))
    units, after = await repository.units(uow, period["id"]), await repository.units_before(uow, period)
    charges = rate(read_price(price["price"]), units, after=after)
    if soft <= total(charges, soft.currency) and await repository.mark_neared(uow, period["id"]):
        uow.record(
            SPEND_LIMIT_NEARED, subject=encode_id("lim", limit["id"]), data={"period": encode_id("bp", period["id"])}
        )


def _amount(body: object, currency: Currency, at: str) -> Money | None:
    if not isinstance(body, MoneyBody):
        return None
    money = body.money(at)
    if money.currency != currency:
        msg = f"The plan is priced in {currency.code}; give the limit in it."
        raise CurrencyMismatch(msg)
    if money.amount_minor < 0:
        raise invalid(f"{at}/amount", "invalid", "A limit is not negative.")
    return money
