"""What the market does on facts of the log: the buyer's operation follows its contract, overflow becomes a draft, and
what has become export-controlled is taken off.

All act in the tenant whose log they read. The partner's tenant gets nothing of the buyer's order: there the same
contract events carry the role ``partner`` and are passed over.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from woaas_capacity_market import contracts, events, repository
from woaas_capacity_market.requests import Wish, command, draft
from woaas_core.events.readers import LoggedEvent, Reader
from woaas_core.ids import decode_id, encode_id, try_decode_id
from woaas_security.principal import Principal
from woaas_security.system import system_principal
from woaas_work_orders.execution import service as execution
from woaas_work_orders.execution.inputs import NewInspection, NewReport
from woaas_work_orders.orders import outsourcing
from woaas_work_orders.orders import repository as orders
from woaas_work_orders.orders.entities import Operation, Order
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED, ORDER_ENDED, OperationState, OrderState

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_IN_TWO_WEEKS = timedelta(days=14)
_FOLLOWED = frozenset(
    events.CONTRACT_COMMANDED[c].name
    for c in ("accept", "package", "start", "report", "ship", "receive", "inspect", "accept-delivery")
)


async def follow_contract(uow: "UnitOfWork", event: LoggedEvent) -> None:
    """Move the buyer's operation on: it starts, counts pieces and completes as the contract does."""
    if event.data.get("role") != "buyer":
        return
    principal = system_principal(uow)
    contract = await contracts.get(uow, principal, decode_id("ctr", event.subject))
    operation_id = contract["operation_id"]
    order = await orders.lock_by_operation(uow, principal, operation_id)
    if order is None or order.operation(operation_id).contract_id != contract["id"]:
        return  # cancelled meanwhile: the operation is ours again
    state = str(event.data["state"])
    if event.type == events.CONTRACT_COMMANDED["report"].name:
        await _report(uow, principal, order, order.operation(operation_id), event)
    operation = await outsourcing.track(uow, principal, operation_id, state)
    if state == "accepted_by_buyer" and operation.inspection_required and not operation.inspection_passed:
        subject = encode_id("op", operation_id)
        note = f"Inspected on delivery under {event.subject}."
        await execution.inspect(uow, principal, NewInspection(subject=subject, result="pass", note=note))


async def _report(
    uow: "UnitOfWork", principal: Principal, order: Order, operation: Operation, event: LoggedEvent
) -> None:
    """Count the partner's pieces as a report of no duration: its hours are its own and not ours."""
    reportable = (OperationState.READY, OperationState.RUNNING, OperationState.SUSPENDED, OperationState.COMPLETED)
    open_order = order.head.state in (OrderState.RELEASED, OrderState.RUNNING, OrderState.HELD)
    if not open_order or operation.state not in reportable:
        return
    body = NewReport(
        kind="run",
        good=str(event.data["good"]),
        scrap=str(event.data["scrap"]),
        started_at=event.recorded_at,
        ended_at=event.recorded_at,
        external_ref=encode_id("evt", event.id),
    )
    await execution.report(uow, principal, operation.id, body)


async def draft_overflow(uow: "UnitOfWork", event: LoggedEvent) -> None:
    """Draft a request for each operation that a plan found no place for and that may be made outside.

    Publishing stays a person's decision.
    """
    principal = system_principal(uow)
    named: Any = event.data.get("operation_ids") or []
    for text in named:
        operation_id = try_decode_id("op", str(text))
        order = await orders.lock_by_operation(uow, principal, operation_id) if operation_id else None
        if order is None or operation_id is None or not _may_go_out(order, order.operation(operation_id)):
            continue
        if await repository.open_request_of(uow, operation_id) is None:
            now, due_at = uow.clock.now(), order.head.due_at
            if due_at is None or due_at <= now:
                due_at = now + _IN_TWO_WEEKS  # nobody can deliver by a time that has passed
            await draft(uow, principal, Wish(operation_id=operation_id, due_at=due_at))


async def recall_controlled(uow: "UnitOfWork", event: LoggedEvent) -> None:
    """Take an order off the market once it is export-controlled: its requests, and what grants opened to partners.

    A contract already made stays: ending it is a person's decision.
    """
    named: Any = event.data.get("fields") or []
    if "export_controlled" not in named:
        return
    principal = system_principal(uow)
    order = await orders.get(uow, principal, decode_id("wo", event.subject))
    if order is None or not order.export_controlled:
        return
    for request_id in await repository.offered_of_order(uow, order.id):
        await command(uow, principal, request_id, "cancel")
    await repository.close_openings_of_order(uow, order.id)


def _may_go_out(order: Order, operation: Operation) -> bool:
    return (
        operation.sourcing != "make"
        and not order.head.export_controlled
        and order.head.state not in (*ORDER_ENDED, OrderState.FORECAST)
        and operation.state not in OPERATION_ENDED
        and operation.started_at is None
    )


READERS: tuple[Reader, ...] = (
    Reader("market_progress", _FOLLOWED, follow_contract),
    Reader("market_recall", frozenset({"work_order.updated"}), recall_controlled),
    Reader("market_overflow", frozenset({"schedule_run.overflowed"}), draft_overflow, start="head"),
)
