"""An order with its operations as the caller may see them: what every door shows, and what ETags are over."""

from collections.abc import Iterable, Sequence
from typing import Any

from woaas_core.db.statements import Row
from woaas_security.principal import Principal
from woaas_work_orders.orders.entities import Order
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.signatures.views import show_signatures


def show(principal: Principal, order: Order) -> dict[str, Any]:
    """The order through the caller's masks."""
    head = principal.show(principal.access(WORK_ORDER), order.head)
    if not sees_steps(principal):
        return show_parts(head, None, show_signatures(principal, order.signatures))
    access = principal.access(OPERATION)
    steps = [principal.show(access, o) for o in order.operations]
    return show_parts(head, steps, show_signatures(principal, order.signatures))


def show_operation(principal: Principal, operation: Row, signatures: Iterable[Row]) -> dict[str, Any]:
    """An operation by itself, with what is signed of it."""
    shown = principal.show(principal.access(OPERATION), operation)
    signed = show_signatures(principal, signatures, operation["id"])
    return shown if signed is None else {**shown, "signatures": signed}


def sees_steps(principal: Principal) -> bool:
    """Whether an order is shown with its operations: not to who sees but some of them, and lists those."""
    return principal.access(OPERATION).sees_anything and not (
        principal.guest_roles(OPERATION) or "operator" in principal.scope
    )


def show_parts(
    head: dict[str, Any],
    operations: Sequence[dict[str, Any]] | None,
    signatures: Sequence[dict[str, Any]] | None,
) -> dict[str, Any]:
    """The same from parts already shown; who sees no operations or signatures gets no member for them."""
    parts = {"operations": operations, "signatures": signatures}
    return head | {name: list(part) for name, part in parts.items() if part is not None}
