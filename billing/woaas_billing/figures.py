"""Key figures beside what the service charged: the return on it.

The return is what set-up time saved since another window was worth, less what was charged, over what was charged:

* saved is, by work center, the share of reported time that was set-up in the compared window times the time reported
  in this one, less the set-up time really reported, at the work center's `cost_per_hour`; it may be negative
* charged is the total of the invoices issued in the window

Time that nobody reported, scrap, tardiness and work centers without a rate or without reports in either window are not
in it. Nothing is converted: each currency is a line of its own.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from woaas_billing import invoice_repository
from woaas_billing.resources import INVOICE
from woaas_core.errors import Forbidden, UnknownParameter
from woaas_core.money import Currency, Money
from woaas_security.principal import Principal
from woaas_solver_farm.figures import service
from woaas_solver_farm.figures.service import By, Window
from woaas_work_orders.execution import repository
from woaas_work_orders.execution.kpis import ratio
from woaas_work_orders.execution.resources import KPI
from woaas_work_orders.resources import repository as master_data
from woaas_work_orders.resources.kinds import BY_NAME

if TYPE_CHECKING:
    from woaas_core.db.statements import Row
    from woaas_core.db.unit_of_work import UnitOfWork

NAMES = (*service.NAMES, "roi")


async def key_figures(
    uow: "UnitOfWork",
    principal: Principal,
    names: Sequence[str],
    window: Window,
    *,
    by: By | None = None,
    compared: Window | None = None,
) -> list[dict[str, Any]]:
    """The named figures, beside those of the compared window.

    Raises:
        Forbidden: the caller may not see key figures; or, for the return, invoices and what work centers cost.
        UnknownParameter: the return is asked for without a window to compare with.
    """
    principal.require(KPI, "read")
    found = await service.figures(uow, names, window, by=by, compared=compared)
    if "roi" in names:
        if compared is None:
            msg = "roi says what changed since another window: name it by compare_from and compare_to."
            raise UnknownParameter(msg)
        found += await _returns(uow, principal, window, compared)
    return found


async def _returns(uow: "UnitOfWork", principal: Principal, window: Window, compared: Window) -> list[dict[str, Any]]:
    principal.require(INVOICE, "read")
    if "cost_per_hour" not in principal.access(BY_NAME["work_center"].resource).readable:
        msg = "The return is made of what work centers cost, which your role does not show."
        raise Forbidden(msg)
    rates = {r["code"]: r["body"].get("cost_per_hour") for r in await master_data.in_use(uow, "work_center")}
    now, before = await repository.sums(uow, *window), await repository.sums(uow, *compared)
    charged = {
        row["currency"]: Money(int(row["total_minor"]), Currency(row["currency"])).decimal
        for row in await invoice_repository.charged(uow, *window)
    }
    saved = saved_by_currency(now, before, rates)
    return [
        ratio(
            "roi",
            saved.get(currency, Decimal(0)) - charged.get(currency, Decimal(0)),
            charged.get(currency, Decimal(0)),
            currency=currency,
        )
        for currency in sorted(saved.keys() | charged.keys())
    ]


def saved_by_currency(
    now: "Sequence[Row]", before: "Sequence[Row]", rates: Mapping[str, Mapping[str, str] | None]
) -> dict[str, Decimal]:
    """What set-up time saved is worth, from seconds by work center in two windows; pure, not rounded."""
    earlier = {row["work_center"]: row for row in before}
    saved: dict[str, Decimal] = {}
    for row in now:
        rate, other = rates.get(row["work_center"]), earlier.get(row["work_center"])
        if rate is None or other is None or not other["seconds"]:
            continue
        share = Decimal(other["setup_seconds"] or 0) / Decimal(other["seconds"])
        seconds = share * Decimal(row["seconds"] or 0) - Decimal(row["setup_seconds"] or 0)
        worth = seconds / 3600 * Decimal(rate["amount"])
        saved[rate["currency"]] = saved.get(rate["currency"], Decimal(0)) + worth
    return saved
