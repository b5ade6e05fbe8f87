"""States and commands of work orders and operations, as tables. Pure.

The order's states are ISA-95 ``RequestState`` plus our draft; an operation's are ``JobOrderDispatchStatus`` with
the commands of OPC UA 10031-4. ``stage`` is computed from both.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from woaas_core.errors import InvalidTransition
from woaas_work_orders.orders.entities import Operation, Order


class OrderState(StrEnum):
    """Where a work order stands."""

    DRAFT = "draft"
    FORECAST = "forecast"
    RELEASED = "released"
    RUNNING = "running"
    HELD = "held"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    ABORTED = "aborted"


class OperationState(StrEnum):
    """Where an operation stands."""

    PENDING = "pending"
    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    SUSPENDED = "suspended"
    HELD = "held"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    ABORTED = "aborted"


_O, _P = OrderState, OperationState
BACK = "back"
"""The target of resume: the state it was held from."""

ORDER_TRANSITIONS: Mapping[tuple[str, str], str] = {
    (_O.DRAFT, "release"): _O.RELEASED,
    (_O.FORECAST, "release"): _O.RELEASED,
    (_O.RELEASED, "hold"): _O.HELD,
    (_O.RUNNING, "hold"): _O.HELD,
    (_O.HELD, "resume"): BACK,
    (_O.RUNNING, "complete"): _O.COMPLETED,
    (_O.COMPLETED, "reopen"): _O.RUNNING,
    (_O.COMPLETED, "close"): _O.CLOSED,
    (_O.DRAFT, "cancel"): _O.CANCELLED,
    (_O.FORECAST, "cancel"): _O.CANCELLED,
    (_O.RELEASED, "cancel"): _O.CANCELLED,
    (_O.HELD, "cancel"): _O.CANCELLED,
    (_O.RUNNING, "abort"): _O.ABORTED,
    (_O.HELD, "abort"): _O.ABORTED,
}

_UNSTARTED = (_P.PENDING, _P.WAITING, _P.READY)
OPERATION_TRANSITIONS: Mapping[tuple[str, str], str] = {
    (_P.READY, "start"): _P.RUNNING,
    (_P.RUNNING, "pause"): _P.SUSPENDED,
    (_P.SUSPENDED, "resume"): _P.RUNNING,
    (_P.HELD, "resume"): BACK,
    **{(s, "hold"): _P.HELD for s in (*_UNSTARTED, _P.RUNNING, _P.SUSPENDED)},
    (_P.RUNNING, "complete"): _P.COMPLETED,
    (_P.SUSPENDED, "complete"): _P.COMPLETED,
    **{(s, "skip"): _P.SKIPPED for s in _UNSTARTED},
    **{(s, "cancel"): _P.CANCELLED for s in (*_UNSTARTED, _P.HELD)},
    **{(s, "abort"): _P.ABORTED for s in (_P.RUNNING, _P.SUSPENDED, _P.HELD)},
}

ORDER_COMMANDS = frozenset(c for _, c in ORDER_TRANSITIONS)
OPERATION_COMMANDS = frozenset(c for _, c in OPERATION_TRANSITIONS)
OPERATION_ENDED = frozenset({_P.COMPLETED, _P.SKIPPED, _P.CANCELLED, _P.ABORTED})
ORDER_ENDED = frozenset({_O.COMPLETED, _O.CLOSED, _O.CANCELLED, _O.ABORTED})


def next_state(
    transitions: Mapping[tuple[str, str], str],
    state: str,
    command: str,
    *,
    held_from: str | None,
    started: bool,
    permitted: Collection[str],
) -> str:
    """The state a command leads to.

    ``started`` tells whether work has begun, which parts cancel from abort. ``permitted`` are the commands the
    caller's role has: only those are offered in the refusal.

    Raises:
        InvalidTransition: with ``state`` and ``allowed_commands``.
    """
    if command in allowed_commands(transitions, state, started=started):
        target = transitions[(state, command)]
        return (held_from or "") if target == BACK else target
    offered = [c for c in allowed_commands(transitions, state, started=started) if c in permitted]
    msg = f"'{command}' is not possible while {state}; " + (
        f"possible now: {', '.join(offered)}." if offered else "nothing is possible any more."
    )
    raise InvalidTransition(msg, members={"state": state, "allowed_commands": offered})


def allowed_commands(transitions: Mapping[tuple[str, str], str], state: str, *, started: bool) -> list[str]:
    """The commands a state knows: cancel only before any work, abort only after."""
    forbidden = "cancel" if started else "abort"
    return sorted(c for s, c in transitions if s == state and c != forbidden)


def resting_state(operation: Operation, ended: Collection[int], known: Collection[int]) -> OperationState:
    """What an operation that has not started waits for: a predecessor, material, or nobody."""
    if any(p in known and p not in ended for p in operation.predecessors):
        return _P.PENDING
    return _P.WAITING if operation.needs_material else _P.READY


STAGES = ("intake", "dispatch", "picking", "processing", "inspection", "receipt", "done")


def stage_of(order: Order) -> str | None:
    """The lifecycle word customers see; None before release and after cancel or abort."""
    state = order.head.state if order.head.state != _O.HELD else (order.head.held_from or "")
    if state in (_O.DRAFT, _O.FORECAST, _O.CANCELLED, _O.ABORTED):
        return None
    if state in (_O.COMPLETED, _O.CLOSED):
        return "done"
    open_operations = [o for o in order if o.state not in OPERATION_ENDED]
    if open_operations and state == _O.RELEASED:
        dispatched = any(o.operator or o.work_center or o.plan_status == "published" for o in open_operations)
        return "picking" if dispatched and any(o.needs_material for o in open_operations) else "dispatch"
    if open_operations:
        return "processing"
    return "inspection" if inspections_open(order) else "receipt"


def inspections_open(order: Order) -> list[Operation]:
    """Completed operations whose required inspection has not passed."""
    return [o for o in order if o.inspection_required and o.state == _P.COMPLETED and not o.inspection_passed]


def missing_for_completion(order: Order) -> list[str]:
    """What keeps an order from completing, in words; scrap or short quantity never does."""
    missing = [
        f"operation {o.sequence} '{o.name}' is {o.state}"
        for o in order
        if o.state not in OPERATION_ENDED - {_P.ABORTED}
    ]
    missing += [f"the inspection of operation {o.sequence} '{o.name}' is open" for o in inspections_open(order)]
    return missing
