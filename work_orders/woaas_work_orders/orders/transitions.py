"""Carrying out commands: the state tables applied to an order under its lock, with everything that follows.

A command changes its object, then whatever waits for it (successors become ready, the order starts, the stage
moves), writes all of it in one statement and records one event per changed object.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from woaas_core.errors import Conflict, GuardFailed, InvalidTransition
from woaas_core.events.envelope import EventType
from woaas_core.ids import encode_id
from woaas_security.audit.changes import changes_of
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants
from woaas_work_orders.orders import events, repository
from woaas_work_orders.orders.entities import Operation, Order
from woaas_work_orders.orders.lifecycle import (
    OPERATION_ENDED,
    OPERATION_TRANSITIONS,
    ORDER_TRANSITIONS,
    STAGES,
    OperationState,
    OrderState,
    missing_for_completion,
    next_state,
    resting_state,
    stage_of,
)
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.signatures.voiding import void_changed

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


class SpendLimitReached(Conflict):
    """The tenant's hard spend limit forbids releasing more orders."""

    code = "spend_limit_reached"
    title = "The spend limit is reached"
    hint = "Raise the hard limit (PUT /v1/billing/spend-limit) or wait for the next period."


class FourEyes(Conflict):
    """A second person is needed."""

    code = "four_eyes"
    title = "Another person must do this"
    hint = "Ask somebody else with the right role."


class Step:
    """One command being carried out on a loaded order: collects what changed, then writes and records it once."""

    def __init__(self, uow: "UnitOfWork", principal: Principal, order: Order) -> None:
        self.uow = uow
        self.principal = principal
        self.order = order
        self._operations: dict[object, tuple[Operation, EventType, dict[str, object]]] = {}
        self._order_event: tuple[EventType, dict[str, object]] | None = None
        self._stage_before = order.head.stage

    def operation_changed(self, operation: Operation, event: EventType, /, **data: object) -> None:
        """Note that an operation moved."""
        self._operations[operation.id] = (operation, event, data)

    def order_changed(self, event: EventType, /, **data: object) -> None:
        """Note that the order itself moved."""
        self._order_event = (event, data)

    def settle_successors(self) -> None:
        """Let unstarted operations move between pending, waiting and ready as their predecessors and material say."""
        if self.order.head.state not in (OrderState.RELEASED, OrderState.RUNNING):
            return
        ended = {o.sequence for o in self.order if o.state in OPERATION_ENDED}
        known = {o.sequence for o in self.order}
        for operation in self.order:
            if operation.state in (OperationState.PENDING, OperationState.WAITING, OperationState.READY):
                target = resting_state(operation, ended, known)
                if target != operation.state:
                    operation.state = target
                    if operation.id not in self._operations:
                        self.operation_changed(operation, events.OPERATION_RESTED[target])

    async def write(self) -> None:
        """Enter the stage reached, write all rows in one statement and record the events."""
        head = self.order.head
        stage = stage_of(self.order)
        if stage != self._stage_before:
            self._enter_stage(stage)
        head_changed = self._order_event is not None or stage != self._stage_before
        changed = [operation for operation, _, _ in self._operations.values()]
        await repository.advance(self.uow, self.order, changed, head_changed=head_changed)
        for operation, kind, data in self._operations.values():
            self.uow.record(
                kind,
                subject=encode_id("op", operation.id),
                work_order_id=head.id,
                version=(operation.version - 1, operation.version),
                data={"sequence": operation.sequence, "state": operation.state, **data},
                changes=changes_of(OPERATION, self.order.told.get(operation.id), operation),
            )
        if head_changed:
            kind, data = self._order_event or (events.ORDER_UPDATED, {})
            self.uow.record(
                kind,
                subject=encode_id("wo", head.id),
                work_order_id=head.id,
                version=(head.version - 1, head.version),
                data={"number": head.number, "state": head.state, "stage": stage, **data},
                changes=changes_of(WORK_ORDER, self.order.told.get(head.id), head),
            )
        self.order.is_told(head, *changed)
        await void_changed(self.uow, self.order)

    def _enter_stage(self, stage: str | None) -> None:
        """Stamp the stage with who and when; the ones passed over without work are marked so."""
        head = self.order.head
        head.stage = stage
        if stage is None:
            return
        stamp = {"entered_at": msgspec.to_builtins(self.uow.clock.now()), "actor": self.uow.actor.id}
        begin = STAGES.index(self._stage_before) + 1 if self._stage_before else 0
        end = STAGES.index(stage)
        for passed in STAGES[begin:end]:
            status = "entered" if passed == "intake" else "not_required"
            head.stages = [*head.stages, {"stage": passed, "status": status, **stamp}]
        head.stages = [*head.stages, {"stage": stage, "status": "entered", **stamp}]


async def release(uow: "UnitOfWork", principal: Principal, order: Order) -> None:
    """Carry out release on a loaded order."""
    await carry_out(uow, principal, order, "release")


async def carry_out(uow: "UnitOfWork", principal: Principal, order: Order, command: str) -> None:
    """Carry out a command on an order under its lock.

    Raises:
        InvalidTransition, GuardFailed, SpendLimitReached: see each.
    """
    head = order.head
    access = principal.require(WORK_ORDER, command)
    started = any(o.started_at for o in order)
    target = next_state(
        ORDER_TRANSITIONS,
        head.state,
        command,
        held_from=head.held_from,
        started=started,
        permitted=access.actions,
    )
    step = Step(uow, principal, order)
    data: dict[str, object] = {}
    now = uow.clock.now()
    if command == "complete":
        _check_complete(order)
        data = {"first": head.completed_at is None}
        head.completed_at = head.completed_at or now
    elif command == "release":
        if not order.operations:
            msg = "The work order has no operation; add one first (POST /v1/work-orders/{id}/operations)."
            raise GuardFailed(msg, members={"missing": ["an operation"]})
        if principal.releases_limited and not await tenants.take_release(uow):
            raise SpendLimitReached
        head.released_at = now
    elif command == "close":
        head.closed_at = now
    head.held_from = head.state if command == "hold" else None
    head.state = target
    step.order_changed(events.ORDER_COMMANDED[command], **data)
    if command in ("cancel", "abort"):
        _end_operations(step, order)
    step.settle_successors()
    await step.write()


def _check_complete(order: Order) -> None:
    missing = missing_for_completion(order)
    if missing:
        msg = f"Not complete: {'; '.join(missing)}."
        raise GuardFailed(msg, members={"missing": missing})


def _end_operations(step: Step, order: Order) -> None:
    """An ended order leaves no operation open: unstarted ones are cancelled, started ones aborted."""
    for operation in order:
        if operation.state not in OPERATION_ENDED:
            command = "abort" if operation.started_at else "cancel"
            operation.state = OperationState.ABORTED if operation.started_at else OperationState.CANCELLED
            operation.ended_at = step.uow.clock.now()
            step.operation_changed(operation, events.OPERATION_COMMANDED[command])


def require_open(order: Order, permitted: Collection[str]) -> None:
    """Operations move only while their order is released or running.

    Raises:
        InvalidTransition: the order is draft, held or ended.
    """
    if order.head.state not in (OrderState.RELEASED, OrderState.RUNNING):
        offered = [c for c in ("release", "resume", "reopen") if (order.head.state, c) in ORDER_TRANSITIONS]
        msg = f"The work order is {order.head.state}; its operations cannot move."
        if offered:
            msg += f" First {offered[0]} the order."
        raise InvalidTransition(
            msg, members={"state": order.head.state, "allowed_commands": [c for c in offered if c in permitted]}
        )


def move(step: Step, operation: Operation, command: str) -> None:
    """Apply a command of the table to an operation and what follows for the order; guards are checked before."""
    target = next_state(
        OPERATION_TRANSITIONS,
        operation.state,
        command,
        held_from=operation.held_from,
        started=operation.started_at is not None,
        permitted=step.principal.access(OPERATION).actions,
    )
    now = step.uow.clock.now()
    operation.held_from = operation.state if command == "hold" else None
    operation.state = target
    if target == OperationState.RUNNING and operation.started_at is None:
        operation.started_at = now
    if target in OPERATION_ENDED:
        operation.ended_at = now
    step.operation_changed(operation, events.OPERATION_COMMANDED[command])
    head = step.order.head
    if target == OperationState.RUNNING and head.state == OrderState.RELEASED:
        head.state = OrderState.RUNNING
        head.started_at = head.started_at or now
        step.order_changed(events.ORDER_STARTED)
    step.settle_successors()
