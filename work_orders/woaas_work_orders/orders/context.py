"""Where an operation stands in its order."""

from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.errors import NotFound
from woaas_security.principal import Principal
from woaas_work_orders.orders import repository
from woaas_work_orders.orders.entities import Operation
from woaas_work_orders.orders.resources import OPERATION
from woaas_work_orders.orders.service import get_operation

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


async def context(uow: "UnitOfWork", principal: Principal, operation_id: UUID) -> dict[str, list[Operation]]:
    """The operation (``now``), those it waits for (``previous``) and those that wait for it (``next``).

    Raises:
        NotFound: missing, or not the caller's to see.
    """
    row = await get_operation(uow, principal, operation_id)
    if principal.guest_roles(OPERATION):
        raise NotFound
    rows = await repository.operations_of(uow, [row["work_order_id"]])
    siblings = [Operation.from_row(r) for r in rows]
    now = next(o for o in siblings if o.id == operation_id)
    return {
        "now": [now],
        "previous": [o for o in siblings if o.sequence in now.predecessors],
        "next": [o for o in siblings if now.sequence in o.predecessors],
    }
