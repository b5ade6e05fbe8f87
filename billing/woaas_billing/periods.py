"""Billing periods: one is open in each tenant; a closed one never changes and its end is the next one's start.

Recording usage holds the open period in share, closing holds it alone: an event is recorded before a close and is in
the period, or after it and is in the next. None is lost and none enters a period that has been billed.
"""

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from woaas_billing import repository
from woaas_billing.events import PERIOD_CLOSED, PERIOD_OPENED
from woaas_core.errors import Conflict
from woaas_core.ids import encode_id, uuid7
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

METER = "processed_orders"
SANDBOX_PLAN = "test"
_TRIES = 20
_INTO_NEXT_MONTH = timedelta(days=32)


class NoOpenPeriod(Conflict):
    """Usage cannot be recorded, or a period closed, because none is open."""

    code = "no_open_period"
    title = "No billing period is open"
    hint = "Repeat the request; a period is opened with the tenant and with each close."


class NoPrice(Conflict):
    """The tenant's plan has no price in force."""

    code = "no_price"
    title = "The plan has no price"
    hint = "Put the tenant on one of GET /v1/billing/plans."


def renewal_after(start: datetime, time_zone: str) -> datetime:
    """The first local midnight of the month after ``start``, as the instant that is stored."""
    zone = ZoneInfo(time_zone)
    local = start.astimezone(zone).date().replace(day=1) + _INTO_NEXT_MONTH
    return datetime.combine(local.replace(day=1), time(), zone).astimezone(UTC)


async def ensure(uow: "UnitOfWork") -> None:
    """Open the tenant's first period unless it has had one."""
    if await repository.last_period_number(uow) == 0:
        await _open(uow, number=1, starts_at=uow.clock.now())


async def share_open(uow: "UnitOfWork") -> "Record":
    """The open period, which stays open until this transaction ends.

    Raises:
        NoOpenPeriod: there is none; whatever was to be recorded must not count as done.
    """
    return await _find_open(uow, repository.share_open_period)


async def lock_open(uow: "UnitOfWork") -> "Record":
    """The open period, locked for closing; waits for whoever records usage in it.

    Raises:
        NoOpenPeriod: there is none.
    """
    return await _find_open(uow, repository.lock_open_period)


async def close(uow: "UnitOfWork", period: "Record") -> "Record":
    """Freeze a period held by ``lock_open`` and open the next; returns what it is frozen with."""
    now = uow.clock.now()
    gathered = await repository.gather(uow, period["id"])
    await repository.close_period(uow, period["id"], gathered, now)
    uow.record(
        PERIOD_CLOSED,
        subject=encode_id("bp", period["id"]),
        data={
            "number": period["number"],
            "ends_at": now,
            "event_count": gathered["event_count"],
            "events_sha256": gathered["events_sha256"].hex(),
        },
    )
    await _open(uow, number=period["number"] + 1, starts_at=now)
    return gathered


async def _find_open(uow: "UnitOfWork", find: "Callable[[UnitOfWork], Awaitable[Record | None]]") -> "Record":
    for _ in range(_TRIES):
        row = await find(uow)
        if row is not None:
            return row
        # Either there never was one, or the one found was closed while we waited: a new statement sees its successor.
        await ensure(uow)
    raise NoOpenPeriod


async def _open(uow: "UnitOfWork", *, number: int, starts_at: datetime) -> UUID | None:
    tenant = await tenants.get(uow)
    plan = tenant["plan"] if tenant["livemode"] else SANDBOX_PLAN
    price = await repository.price_in_force(uow, plan, METER)
    if price is None:
        msg = f"There is no plan {plan!r} with a price in force."
        raise NoPrice(msg)
    period_id = uuid7()
    row = await repository.insert_period(
        uow,
        {
            "id": period_id,
            "number": number,
            "status": "open",
            "plan": plan,
            "price_id": price["id"],
            "time_zone": tenant["time_zone"],
            "starts_at": starts_at,
            "renews_at": renewal_after(starts_at, tenant["time_zone"]),
            "ends_at": None,
            "event_count": None,
            "units": None,
            "events_sha256": None,
        },
    )
    if row is None:
        return None
    uow.record(
        PERIOD_OPENED,
        subject=encode_id("bp", period_id),
        data={"number": number, "plan": plan, "starts_at": starts_at, "renews_at": row["renews_at"]},
    )
    return period_id
