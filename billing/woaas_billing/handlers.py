"""The readers of billing."""

from typing import TYPE_CHECKING

from woaas_billing import limits, metering, periods, settlements
from woaas_core.events.readers import LoggedEvent, Reader

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


async def _meter(uow: "UnitOfWork", event: LoggedEvent) -> None:
    """Open a tenant's first period; count an order's first completion in a live tenant.

    A forecast has to be released before it can complete, so it never comes here as one.
    """
    if event.type == "tenant.created":
        await periods.ensure(uow)
    elif event.data["first"] and uow.livemode:
        await metering.record_processed(uow, event)


async def _settle(uow: "UnitOfWork", event: LoggedEvent) -> None:
    await settlements.settle(uow, settlements.read_settled(event.data))


async def _return_allowance(uow: "UnitOfWork", _event: LoggedEvent) -> None:
    """A cancelled or aborted order gives its place under the hard limit back."""
    await limits.refresh_allowance(uow)


METERING = Reader("metering", frozenset({"tenant.created", "work_order.completed"}), _meter, may_skip=False)
SETTLEMENT = Reader("settlement", frozenset({"contract.settled"}), _settle, may_skip=False)
ALLOWANCE = Reader("allowance", frozenset({"work_order.cancelled", "work_order.aborted"}), _return_allowance)

READERS: tuple[Reader, ...] = (METERING, SETTLEMENT, ALLOWANCE)
