"""What a tenant is on: plan, price, open period, limits."""

from typing import TYPE_CHECKING, NamedTuple

from woaas_billing import periods, repository
from woaas_billing.resources import PLAN
from woaas_core.errors import NotFound
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


class Subscription(NamedTuple):
    """The open period with the price it is frozen to, and the limits on it; ``releases_left`` None is any number."""

    period: "Record"
    price: "Record"
    limit: "Record | None"
    releases_left: int | None


async def plans(uow: "UnitOfWork", principal: Principal) -> "list[Record]":
    """Every version of every plan's price."""
    principal.require(PLAN, "read")
    return await repository.prices(uow)


async def current(uow: "UnitOfWork", principal: Principal) -> Subscription:
    """The subscription as it stands.

    Raises:
        NotFound: the first period is not open yet, a moment after the tenant was made.
    """
    principal.require(PLAN, "read")
    period = await repository.open_period(uow)
    if period is None:
        raise NotFound(periods.NoOpenPeriod.title)
    price = await repository.price(uow, period["price_id"])
    return Subscription(period, price, await repository.spend_limit(uow), await releases_left(uow))


async def releases_left(uow: "UnitOfWork") -> int | None:
    """How many more orders may be released; None without a limit."""
    level: int | None = (await tenants.get(uow))["release_allowance"]
    return level
