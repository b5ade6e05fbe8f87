"""What happened to an order, from its audit entries."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from woaas_core.events.envelope import moved
from woaas_security.audit.masking import tells_of_hidden_only, visible_data, visible_event
from woaas_security.audit.resources import EVENT
from woaas_security.authz.resource import Resource
from woaas_security.principal import Principal
from woaas_work_orders.orders import repository
from woaas_work_orders.orders.entities import WorkOrder
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_MEMBERS = {"subject": "subject", "at": "recorded_at", "actor": "actor", "reason": "reason"}
_RESOURCES = {"work_order": WORK_ORDER, "operation": OPERATION}


class _Entry(msgspec.Struct):
    id: str
    type: str
    at: datetime
    actor: dict[str, str]
    subject: str
    version: tuple[int | None, int | None]
    data: dict[str, Any]
    changes: dict[str, Any]


_decode = msgspec.json.Decoder(_Entry).decode


async def timeline(
    uow: "UnitOfWork", principal: Principal, order: WorkOrder, subjects: Mapping[str, Resource]
) -> list[dict[str, Any]]:
    """The order's entries, oldest first, archived ones too.

    Each through the mask of the object it is about, by prefix of ids in ``subjects``. Whoever may not read events sees
    nothing else of them; a guest neither who acted nor why.
    """
    rows = await repository.entries(uow, order.id, order.created_at)
    entries = [_entry(row) for row in rows]
    follows = principal.access(EVENT).reads("type")
    shown = (_followed(principal, e, subjects) if follows else _masked(principal, e) for e in entries)
    return [entry for entry in shown if entry is not None]


def _entry(row: "Record") -> dict[str, Any]:
    entry = msgspec.structs.asdict(_decode(row["payload"]))
    version, changes = entry.pop("version"), entry.pop("changes")
    return {**entry, "moved": moved(version, changes), "reason": row["reason"]}


def _followed(principal: Principal, entry: dict[str, Any], subjects: Mapping[str, Resource]) -> dict[str, Any] | None:
    access = principal.access(EVENT)
    hidden = {member for member, name in _MEMBERS.items() if not access.reads(name)}
    shown = visible_event(principal, entry, subjects)
    return None if shown is None else {name: value for name, value in shown.items() if name not in hidden}


def _masked(principal: Principal, entry: dict[str, Any]) -> dict[str, Any] | None:
    resource = _RESOURCES.get(entry["type"].partition(".")[0])
    if resource is None:
        return None
    access = principal.access(resource)
    is_guest = bool(principal.guest_roles(WORK_ORDER))
    if not access.sees_anything or (is_guest and resource is OPERATION):
        return None
    changed = entry.pop("moved")
    data = visible_data(access, {n: v for n, v in entry["data"].items() if n == "fields" or n in resource.names})
    if data is None or tells_of_hidden_only(access, changed):
        return None
    shown = {**entry, "data": data}
    if is_guest:
        del shown["actor"], shown["reason"]
    return shown
