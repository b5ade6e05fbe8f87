"""Real orders use up what was expected: a reader, so that entering an order knows nothing of forecasts."""

from typing import TYPE_CHECKING

from woaas_core.events.readers import LoggedEvent, Reader
from woaas_security.system import system_principal
from woaas_work_orders.forecasts import netting, repository

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


async def net_forecasts(uow: "UnitOfWork", event: LoggedEvent) -> None:
    """Net the product of an order that came, changed or went, if anything is expected of it.

    A new virtual order is looked at again too: a real one may have been entered while it was.
    """
    if event.work_order_id is None:
        return
    product = await repository.product_foreseen(uow, event.work_order_id)
    if product is not None:
        await netting.net(uow, system_principal(uow), [product])


READERS: tuple[Reader, ...] = (
    Reader(
        "forecast_netting",
        frozenset(
            {
                "work_order.created",
                "work_order.updated",
                "work_order.released",
                "work_order.cancelled",
                "work_order.forecasted",
            }
        ),
        net_forecasts,
    ),
)
