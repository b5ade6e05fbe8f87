"""A promise as a caller may see it."""

from typing import Any

from woaas_core.db.statements import Row
from woaas_security.authz.access import Access
from woaas_security.principal import Principal
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER


def show(principal: Principal, access: Access, row: Row) -> dict[str, Any]:
    """The promise; of the order asked about no more than of an order."""
    shown = principal.show(access, row)
    order, operation = principal.access(WORK_ORDER).readable, principal.access(OPERATION).readable
    if shown.get("work_order"):
        members = {n: v for n, v in shown["work_order"].items() if n in order or n == "operations"}
        steps = [{n: v for n, v in step.items() if n in operation} for step in members.get("operations", ())]
        shown["work_order"] = members | ({"operations": steps} if "operations" in members else {})
    if shown.get("places"):
        hidden = {"operator", "work_center", "tool", "setup_group", "name"} - operation
        hidden |= {"tools"} if "tool" in hidden else set()
        shown["places"] = [{n: v for n, v in place.items() if n not in hidden} for place in shown["places"]]
    if shown.get("impacted") and "due_at" not in order:
        shown["impacted"] = [{n: v for n, v in i.items() if n != "due_at"} for i in shown["impacted"]]
    return shown
