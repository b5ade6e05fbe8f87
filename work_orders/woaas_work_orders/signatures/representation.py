"""What is signed: a record as canonical bytes. Pure.

Of a file attached the record holds its hash, so a file added, replaced or removed is a change as any other; those of
class quality are of what was done.

Before work has ended a signature is under what is to be done, after that also under what was done: so a release stays
signed while the work goes on, and a finished record stays signed as long as nobody changes it. Where an object stands
and when a plan has it done are not of its content.

A record's hash is shown to many who may not read all of the record, and stays in the log for ever. So the bytes hold a
random salt: without them nobody can try what a hidden or erased value was.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
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


_OF_RESULTS = "quality"


class Recorded(NamedTuple):
    """The rows that stand beside an order: what was reported, and the files as they are now."""

    reports: Sequence[Row] = ()
    attachments: Sequence[Row] = ()


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


def record_of(order: Order, operation_id: UUID | None, scope: str, recorded: Recorded, salt: str) -> bytes:
    """The canonical bytes of an operation, or of the order with all of its operations, and of the salt."""
    reports = _by_operation(recorded.reports if scope == RECORD else ())
    counted = [a for a in recorded.attachments if scope == RECORD or a["access_class"] != _OF_RESULTS]
    files = _by_operation(counted)
    if operation_id is not None:
        return canonical({"salt": salt, **_operation(order.operation(operation_id), scope, reports, files)})
    head = _content(WORK_ORDER, order.head, scope) | _files(files.get(None, ()))
    return canonical({"salt": salt, **head, "operations": [_operation(o, scope, reports, files) for o in order]})


_ByOperation = Mapping[UUID | None, list[Row]]


def _by_operation(rows: Iterable[Row]) -> _ByOperation:
    found: dict[UUID | None, list[Row]] = {}
    for row in rows:
        found.setdefault(row["operation_id"], []).append(row)
    return found


def _operation(operation: Operation, scope: str, reports: _ByOperation, files: _ByOperation) -> dict[str, Any]:
    shown = _content(OPERATION, operation, scope) | _files(files.get(operation.id, ()))
    if scope == RECORD:
        shown["reports"] = [_content(REPORT, r, scope) for r in reports.get(operation.id, ())]
    return shown


def _files(rows: Iterable[Row]) -> dict[str, Any]:
    """The files of a record; where there are none it says nothing of them, as records did before there were any."""
    shown = [
        {
            "id": encode_id("att", row["id"]),
            **{n: row[n] for n in ("access_class", "file_version", "size_bytes", "sha256")},
        }
        for row in rows
    ]
    return {"attachments": shown} if shown else {}


def _content(resource: Resource, row: Row, scope: str) -> dict[str, Any]:
    left_out = _PROGRESS if resource is not REPORT else frozenset({"recorded_at"})
    if scope == SPECIFICATION:
        left_out = left_out | _RESULTS
    content = {name: value for name, value in changes_of(resource, None, row).items() if name not in left_out}
    found = {"record": resource.name, "id": encode_id(resource.prefix, row["id"]), **content}
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain
