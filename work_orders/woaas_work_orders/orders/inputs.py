"""What callers send about work orders and operations: the shapes both doors read."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Code, DurationText, Instant, Name, Quantity, Text

WorkType = Literal["production", "maintenance", "service", "quality", "inventory", "mixed"]
Sourcing = Literal["make", "outsource", "either"]
Priority = Annotated[int, msgspec.Meta(ge=1, le=5, description="1 is a rush, 5 can wait")]
Sequence = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
# Larger integers are other numbers to some JSON readers, so the audit log could not commit to them.
Whole = Annotated[int, msgspec.Meta(ge=-(2**53) + 1, le=2**53 - 1)]
CustomFields = dict[Annotated[str, msgspec.Meta(min_length=1, max_length=64)], str | Whole | bool | list[str] | None]
SetupSkills = Annotated[
    list[Code],
    msgspec.Meta(max_length=20, description="What the set-up asks for; null is the same as the run, [] is nobody"),
]
UnitText = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]


class MaterialNeed(Body, kw_only=True):
    """Material an operation needs before it may start."""

    material: Code
    quantity: Quantity
    unit: UnitText = "pcs"


class NewOperation(Body, kw_only=True):
    """An operation of a new order; predecessors default to the previous sequence."""

    sequence: Sequence | UnsetType = UNSET
    name: Name
    work_centers: Annotated[list[Code], msgspec.Meta(max_length=50)] | UnsetType = UNSET
    setup_time: DurationText | UnsetType = UNSET
    unit_time: DurationText | UnsetType = UNSET
    setup_group: Code | None | UnsetType = UNSET
    skills: Annotated[list[Code], msgspec.Meta(max_length=20)] | UnsetType = UNSET
    setup_skills: SetupSkills | None | UnsetType = UNSET
    tool: Code | None | UnsetType = UNSET
    materials: Annotated[list[MaterialNeed], msgspec.Meta(max_length=100)] | UnsetType = UNSET
    predecessors: Annotated[list[Sequence], msgspec.Meta(max_length=100)] | UnsetType = UNSET
    inspection_required: bool | UnsetType = UNSET
    sourcing: Sourcing | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET


class NewWorkOrder(Body, kw_only=True):
    """A new order; routing and defaults give what is left out."""

    product: Code
    quantity: Quantity
    type: WorkType | UnsetType = UNSET
    template: Code | None | UnsetType = UNSET
    title: Name | UnsetType = UNSET
    unit: UnitText | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    due_at: Instant | None | UnsetType = UNSET
    earliest_start_at: Instant | None | UnsetType = UNSET
    customer: Code | None | UnsetType = UNSET
    external_ref: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET
    site: Code | None | UnsetType = UNSET
    line: Code | None | UnsetType = UNSET
    steward: Code | None | UnsetType = UNSET
    participants: Annotated[list[Code], msgspec.Meta(max_length=50)] | UnsetType = UNSET
    data_class: Code | None | UnsetType = UNSET
    export_controlled: bool | UnsetType = UNSET
    asset: Code | None | UnsetType = UNSET
    serial_number: Code | None | UnsetType = UNSET
    promise_id: Annotated[str, msgspec.Meta(max_length=64)] | None | UnsetType = UNSET
    operations: Annotated[list[NewOperation], msgspec.Meta(max_length=200)] | UnsetType = UNSET
    release: bool | UnsetType = UNSET


class WorkOrderPatch(Body, kw_only=True):
    """Fields of an order that may change while it is open."""

    title: Name | UnsetType = UNSET
    quantity: Quantity | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    due_at: Instant | None | UnsetType = UNSET
    earliest_start_at: Instant | None | UnsetType = UNSET
    customer: Code | None | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET
    site: Code | None | UnsetType = UNSET
    line: Code | None | UnsetType = UNSET
    steward: Code | None | UnsetType = UNSET
    participants: Annotated[list[Code], msgspec.Meta(max_length=50)] | UnsetType = UNSET
    data_class: Code | None | UnsetType = UNSET
    export_controlled: bool | UnsetType = UNSET


class OperationPatch(Body, kw_only=True):
    """Fields of an operation that may change before it has ended."""

    name: Name | UnsetType = UNSET
    work_centers: Annotated[list[Code], msgspec.Meta(max_length=50)] | UnsetType = UNSET
    setup_time: DurationText | UnsetType = UNSET
    unit_time: DurationText | UnsetType = UNSET
    setup_group: Code | None | UnsetType = UNSET
    skills: Annotated[list[Code], msgspec.Meta(max_length=20)] | UnsetType = UNSET
    setup_skills: SetupSkills | None | UnsetType = UNSET
    tool: Code | None | UnsetType = UNSET
    inspection_required: bool | UnsetType = UNSET
    sourcing: Sourcing | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET


class CommandBody(Body, kw_only=True):
    """What goes with a command on an order."""

    reason: Text | UnsetType = UNSET


class KittedLot(Body, kw_only=True):
    """A picked lot."""

    lot: Code
    quantity: Quantity


class OperationCommandBody(Body, kw_only=True):
    """What goes with a command on an operation; assign and start take people and machines, kit takes lots."""

    reason: Text | UnsetType = UNSET
    operator: Code | None | UnsetType = UNSET
    work_center: Code | None | UnsetType = UNSET
    lots: Annotated[list[KittedLot], msgspec.Meta(max_length=100)] | UnsetType = UNSET
