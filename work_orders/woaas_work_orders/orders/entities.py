"""A work order and its operations as the rules handle them, loaded under the order's lock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from woaas_core.db.statements import Row


class Entity:
    """A row as an object; it also reads like a row, which is how doors show it."""

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """Build from a row that holds at least the entity's columns."""
        return cls(*(row[name] for name in _names(cls)))

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def copy(self) -> Self:
        """The same again, to compare with later."""
        return type(self)(*(getattr(self, name) for name in _names(type(self))))

    def values(self) -> dict[str, object]:
        """The columns, for writing."""
        return {name: getattr(self, name) for name in _names(type(self))}


_NAMES: dict[type, tuple[str, ...]] = {}


def _names(cls: type) -> tuple[str, ...]:
    found = _NAMES.get(cls)
    if found is None:
        found = _NAMES[cls] = tuple(f.name for f in fields(cls))
    return found


@dataclass(slots=True)
class Operation(Entity):
    """One step of an order (ISA-95 JobOrder)."""

    id: UUID
    work_order_id: UUID
    sequence: int
    name: str
    state: str
    held_from: str | None
    work_centers: list[str]
    setup_time: timedelta
    unit_time: timedelta
    setup_group: str | None
    skills: list[str]
    setup_skills: list[str] | None
    tool: str | None
    materials: list[dict[str, Any]]
    predecessors: list[int]
    inspection_required: bool
    inspection_passed: bool | None
    sourcing: str
    custom_fields: dict[str, Any]
    rework_of: UUID | None
    operator: str | None
    work_center: str | None
    kitted: bool
    good: Decimal
    scrap: Decimal
    rework: Decimal
    plan_status: str
    planned_work_center: str | None
    planned_start_at: datetime | None
    planned_end_at: datetime | None
    contract_id: UUID | None
    external_state: str | None
    data_class: str | None
    export_controlled: bool
    started_at: datetime | None
    ended_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def needs_material(self) -> bool:
        """Whether material must still be kitted before it may start."""
        return bool(self.materials) and not self.kitted


@dataclass(slots=True)
class WorkOrder(Entity):
    """A whole run (ISA-95 WorkRequest)."""

    id: UUID
    number: str
    type: str
    template: str | None
    title: str
    product: str
    quantity: Decimal
    unit: str
    priority: int
    due_at: datetime | None
    earliest_start_at: datetime | None
    customer: str | None
    external_ref: str | None
    custom_fields: dict[str, Any]
    site: str | None
    line: str | None
    steward: str | None
    participants: list[str]
    data_class: str | None
    export_controlled: bool
    asset: str | None
    serial_number: str | None
    rework_of: UUID | None
    promised_at: datetime | None
    promise_id: UUID | None
    state: str
    held_from: str | None
    stage: str | None
    stages: list[dict[str, Any]]
    plan_status: str
    released_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    closed_at: datetime | None
    request_hash: bytes
    version: int
    created_at: datetime
    updated_at: datetime
    is_signed: bool = False


@dataclass(slots=True)
class Order:
    """An order with its operations: what a command decides over, and what it has changed so far.

    ``told`` is each object as the log knows it; the next entry about it tells what differs.
    """

    head: WorkOrder
    operations: list[Operation]
    told: dict[UUID, Entity] = field(default_factory=dict)
    signatures: Sequence[Row] = ()

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def is_told(self, *objects: Entity) -> None:
        """Note that the log knows objects as they are now."""
        self.told.update({one["id"]: one.copy() for one in objects})

    def operation(self, operation_id: UUID) -> Operation:
        """The operation of that id; it is there, since the order was loaded by it."""
        return next(o for o in self.operations if o.id == operation_id)
