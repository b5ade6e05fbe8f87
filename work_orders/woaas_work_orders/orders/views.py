"""An order with its operations as the caller may see them: what every door shows, and what ETags are over."""

from collections.abc import Sequence
from typing import Any

from woaas_security.principal import Principal
from woaas_work_orders.orders.entities import Order
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER


def show(principal: Principal, order: Order) -> dict[str, Any]:
    """The order through the caller's masks."""
    head = principal.show(principal.access(WORK_ORDER), order.head)
    if not sees_steps(principal):
        return show_parts(head, None)
    access = principal.access(OPERATION)
    return show_parts(head, [principal.show(access, o) for o in order.operations])


def sees_steps(principal: Principal) -> bool:
    """Whether an order is shown with its operations: not to who sees but some of them, and lists those."""
    return principal.access(OPERATION).sees_anything and not (
        principal.guest_roles(OPERATION) or "operator" in principal.scope
    )


def show_parts(head: dict[str, Any], operations: Sequence[dict[str, Any]] | None) -> dict[str, Any]:
    """The same from parts already shown; who sees no operations gets no member for them."""
    return head if operations is None else {**head, "operations": list(operations)}
