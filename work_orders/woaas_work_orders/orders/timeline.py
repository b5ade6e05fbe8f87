"""What happened to an order, from its audit entries."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from woaas_security.audit.resources import EVENT
from woaas_security.principal import Principal
from woaas_work_orders.orders import repository
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_RESOURCES = {"work_order": WORK_ORDER, "operation": OPERATION}


class _Entry(msgspec.Struct):
    id: str
    type: str
    at: datetime
    actor: dict[str, str]
    subject: str
    reason: str | None
    data: dict[str, Any]


_decode = msgspec.json.Decoder(_Entry).decode


async def timeline(uow: "UnitOfWork", principal: Principal, order_id: UUID) -> list[dict[str, Any]]:
    """The order's entries, oldest first.

    Whoever may not read events sees of them what the mask of the object they are about lets through; a guest
    neither who acted nor why.
    """
    rows = await repository.entries(uow, order_id)
    entries = [msgspec.structs.asdict(_decode(row)) for row in rows]
    if principal.access(EVENT).sees_anything:
        return entries
    return [shown for entry in entries if (shown := _masked(principal, entry)) is not None]


def _masked(principal: Principal, entry: dict[str, Any]) -> dict[str, Any] | None:
    resource = _RESOURCES.get(entry["type"].partition(".")[0])
    if resource is None:
        return None
    access = principal.access(resource)
    is_guest = bool(principal.guest_roles(WORK_ORDER))
    if not access.sees_anything or (is_guest and resource is OPERATION):
        return None
    data = {name: value for name, value in entry["data"].items() if name in access.readable}
    if "fields" in entry["data"]:
        data["fields"] = [name for name in entry["data"]["fields"] if name in access.readable]
        if not data["fields"]:
            return None
    shown = {**entry, "data": data}
    if is_guest:
        del shown["actor"], shown["reason"]
    return shown
