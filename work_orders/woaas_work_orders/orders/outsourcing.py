"""An operation made elsewhere: it goes out with a contract, follows what the partner does, or comes back."""

from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.errors import GuardFailed
from woaas_core.ids import encode_id
from woaas_security.principal import Principal
from woaas_work_orders.orders import events, repository
from woaas_work_orders.orders.entities import Operation, Order
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED, OperationState, OrderState
from woaas_work_orders.orders.service import lock_operation
from woaas_work_orders.orders.transitions import Step, move

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


def require_not_started(operation: Operation) -> None:
    """Refuse to give away what has begun or ended.

    Raises:
        GuardFailed: it has.
    """
    if operation.started_at is not None or operation.state in OPERATION_ENDED:
        msg = f"Operation {operation.sequence} is {operation.state}; only work that has not begun goes to a partner."
        raise GuardFailed(msg, members={"missing": ["an operation that has not started"]})


async def outsource(uow: "UnitOfWork", principal: Principal, operation_id: UUID, *, contract_id: UUID) -> Order:
    """Give an operation to a partner under a contract. Locks its order and records ``operation.outsourced``.

    Its material is taken as kitted: it travels with the work and is not picked here.

    Raises:
        GuardFailed: the operation has begun or ended.
    """
    order, operation = await lock_operation(uow, principal, operation_id)
    require_not_started(operation)
    operation.contract_id, operation.external_state, operation.kitted = contract_id, "awarded", True
    await _write(uow, principal, order, operation, contract_id=encode_id("ctr", contract_id))
    return order


async def bring_back(uow: "UnitOfWork", principal: Principal, operation_id: UUID) -> None:
    """End an operation's contract: it is ours to make again, as far as it has come."""
    order, operation = await lock_operation(uow, principal, operation_id)
    operation.contract_id, operation.external_state = None, None
    operation.kitted = False
    await _write(uow, principal, order, operation, contract_id=None)


async def track(uow: "UnitOfWork", principal: Principal, operation_id: UUID, external_state: str) -> Operation:
    """Note how far the partner is; where the order lets it, the operation starts and completes with the partner.

    A partner may be ahead of us (the order is on hold, a predecessor open): then only ``external_state`` moves.
    """
    order, operation = await lock_operation(uow, principal, operation_id)
    operation.external_state = external_state
    await repository.update_operations(uow, [operation])
    step = Step(uow, principal, order)
    step.operation_changed(operation, events.OPERATION_TRACKED, external_state=external_state)
    if order.head.state in (OrderState.RELEASED, OrderState.RUNNING):
        if external_state != "awarded" and operation.state == OperationState.READY:
            move(step, operation, "start")
        if external_state == "accepted_by_buyer" and operation.state in (
            OperationState.RUNNING,
            OperationState.SUSPENDED,
        ):
            move(step, operation, "complete")
    await step.write()
    return operation


async def _write(uow: "UnitOfWork", principal: Principal, order: Order, operation: Operation, **data: object) -> None:
    await repository.update_operations(uow, [operation])
    step = Step(uow, principal, order)
    step.operation_changed(operation, events.OPERATION_OUTSOURCED, external_state=operation.external_state, **data)
    step.settle_successors()
    await step.write()
