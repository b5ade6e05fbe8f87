"""What is signed: a record as canonical bytes. Pure.

Before work has ended a signature is under what is to be done, after that also under what was done: so a release stays
signed while the work goes on, and a finished record stays signed as long as nobody changes it. Where an object stands
and when a plan has it done are not of its content.

A record's hash is shown to many who may not read all of the record, and stays in the log for ever. So the bytes hold a
random salt: without them nobody can try what a hidden or erased value was.
"""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from woaas_core.db.statements import Row
from woaas_core.events.canonical import canonical
from woaas_core.ids import encode_id
from woaas_security.audit.changes import changes_of
from woaas_security.authz.resource import Resource
from woaas_work_orders.execution.resources import REPORT
from woaas_work_orders.orders.entities import Operation, Order
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED, ORDER_ENDED
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER

SPECIFICATION, RECORD = "specification", "record"

_PROGRESS = frozenset(
    {"state", "stage", "stages", "plan_status", "planned_work_center", "planned_start_at", "planned_end_at"}
    | {"external_state", "created_at", "released_at", "started_at", "ended_at", "completed_at", "closed_at"}
)
_RESULTS = frozenset(
    {"operator", "work_center", "kitted", "inspection_passed", "good", "scrap", "rework", "contract_id"}
)


def scope_of(order: Order, operation: Operation | None) -> str:
    """What a signature given now is under."""
    if operation is not None:
        return RECORD if operation.state in OPERATION_ENDED else SPECIFICATION
    return RECORD if order.head.state in ORDER_ENDED else SPECIFICATION


def new_salt() -> str:
    """256 random bits for a record about to be signed."""
    return secrets.token_hex(32)


def salt_of(record: bytes) -> str:
    """The salt in the bytes of a signed record."""
    return str(msgspec.json.decode(record)["salt"])


def record_of(order: Order, operation_id: UUID | None, scope: str, reports: Iterable[Row], salt: str) -> bytes:
    """The canonical bytes of an operation, or of the order with all of its operations, and of the salt."""
    known: dict[UUID, list[Row]] = {}
    for report in reports if scope == RECORD else ():
        known.setdefault(report["operation_id"], []).append(report)
    if operation_id is not None:
        return canonical({"salt": salt, **_operation(order.operation(operation_id), scope, known)})
    head = _content(WORK_ORDER, order.head, scope)
    return canonical({"salt": salt, **head, "operations": [_operation(o, scope, known) for o in order]})


def _operation(operation: Operation, scope: str, reports: Mapping[UUID, list[Row]]) -> dict[str, Any]:
    shown = _content(OPERATION, operation, scope)
    if scope == RECORD:
        shown["reports"] = [_content(REPORT, r, scope) for r in reports.get(operation.id, ())]
    return shown


def _content(resource: Resource, row: Row, scope: str) -> dict[str, Any]:
    left_out = _PROGRESS if resource is not REPORT else frozenset({"recorded_at"})
    if scope == SPECIFICATION:
        left_out = left_out | _RESULTS
    content = {name: value for name, value in changes_of(resource, None, row).items() if name not in left_out}
    found = {"record": resource.name, "id": encode_id(resource.prefix, row["id"]), **content}
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain
