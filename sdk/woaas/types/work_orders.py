"""Work orders, their operations and the reports on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, Required, TypedDict

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Duration, Instant, Quantity
from woaas.types.attachments import Attachment
from woaas.types.signatures import Signature

OrderType = Literal["production", "maintenance", "service", "quality", "inventory", "mixed"]
Sourcing = Literal["make", "outsource", "either"]
ReportKind = Literal["run", "setup", "breakdown"]


class MaterialNeed(Model):
    """A material an operation uses up, for the whole order."""

    material: str | None
    quantity: Decimal | None
    unit: str | None


class Operation(Model):
    """One step of a work order. `state` is the service's word; a future version may add others."""

    id: str
    work_order_id: str | None
    sequence: int | None
    name: str | None
    state: str | None
    livemode: bool | None
    work_centers: list[str]
    work_center: str | None
    operator: str | None
    setup_time: timedelta | None
    unit_time: timedelta | None
    setup_group: str | None
    skills: list[str]
    setup_skills: list[str] | None
    tool: str | None
    materials: list[MaterialNeed]
    predecessors: list[object]
    inspection_required: bool | None
    sourcing: str | None
    plan_status: str | None
    contract_id: str | None
    planned_work_center: str | None
    planned_start_at: datetime | None
    planned_end_at: datetime | None
    external_state: str | None
    good: Decimal | None
    scrap: Decimal | None
    rework: Decimal | None
    started_at: datetime | None
    completed_at: datetime | None
    version: int | None
    signatures: list[Signature]


class WorkOrder(Model):
    """A whole run of work. Fields the caller may not read are None; masked ones are named in `masked_fields`."""

    id: str
    number: str | None
    type: str | None
    state: str | None
    stage: str | None
    plan_status: str | None
    livemode: bool | None
    title: str | None
    product: str | None
    quantity: Decimal | None
    unit: str | None
    priority: int | None
    due_at: datetime | None
    earliest_start_at: datetime | None
    promised_at: datetime | None
    customer: str | None
    site: str | None
    line: str | None
    external_ref: str | None
    serial_number: str | None
    custom_fields: dict[str, object] | None
    operations: list[Operation]
    signatures: list[Signature]
    created_at: datetime | None
    updated_at: datetime | None
    version: int | None


class Report(Model):
    """What somebody says was done: the only source of time and quantity. Never changed, only corrected by another."""

    id: str
    operation_id: str | None
    work_order_id: str | None
    kind: str | None
    good: Decimal | None
    scrap: Decimal | None
    rework: Decimal | None
    scrap_reason: str | None
    operator: str | None
    work_center: str | None
    started_at: datetime | None
    ended_at: datetime | None
    recorded_at: datetime | None
    external_ref: str | None
    connector: str | None
    corrects: str | None


class TimelineEntry(Model):
    """One fact of a work order's history."""

    id: str | None
    type: str | None
    at: datetime | None
    actor: Model | None
    subject: str | None
    reason: str | None
    data: dict[str, object] | None


class BatchResult(Model):
    """What became of one item of a batch: a work order, or the problem that kept it out."""

    key: str
    status: int
    work_order: WorkOrder | None
    problem: Model | None


class Inspection(Model):
    """The result of inspecting an operation."""

    id: str
    subject: str | None
    work_order_id: str | None
    result: str | None
    note: str | None
    recorded_at: datetime | None


class Receipt(Model):
    """Finished goods that were booked in."""

    id: str
    work_order_id: str | None
    quantity: Decimal | None
    lot: str | None
    location: str | None
    recorded_at: datetime | None


class OperationContext(Model):
    """An operation with its neighbours, as a terminal shows them."""

    now: Operation | None
    previous: list[Operation]
    next: list[Operation]


class Shortage(Model):
    """A material of which not enough is there now; `missing` is what no lot on record will cover."""

    material: str | None
    unit: str | None
    required: Decimal | None
    available: Decimal | None
    missing: Decimal | None
    complete_at: datetime | None


class OperationKitting(Model):
    """How complete one operation's material is."""

    operation_id: str | None
    sequence: int | None
    kitting_rate: Decimal | None
    complete_at: datetime | None
    shortages: list[Shortage]


class Kitting(Model):
    """How complete an order's material is: the share of material lines that stock covers now."""

    work_order_id: str | None
    number: str | None
    kitting_rate: Decimal | None
    operations: list[OperationKitting]


class Candidate(Model):
    """A work center that could do an operation."""

    work_center: str | None
    operator: str | None
    reasons: list[str]


class MaterialNeedInput(TypedDict, total=False):
    """A material an operation uses up."""

    material: Required[str]
    quantity: Required[Quantity]
    unit: str


class OperationFields(TypedDict, total=False):
    """What may be said of an operation."""

    sequence: int
    name: str
    work_centers: Sequence[str]
    setup_time: Duration
    unit_time: Duration
    setup_group: str | None
    skills: Sequence[str]
    setup_skills: Sequence[str] | None
    tool: str | None
    materials: Sequence[MaterialNeedInput]
    predecessors: Sequence[object]
    inspection_required: bool
    sourcing: Sourcing


class WorkOrderFields(TypedDict, total=False):
    """What may be said of a work order; a field left out stays as template and routing have it."""

    type: OrderType
    template: str
    template_version: int
    title: str
    unit: str
    priority: int
    due_at: Instant | None
    earliest_start_at: Instant | None
    promised_at: Instant | None
    promise_id: str | None
    customer: str | None
    site: str | None
    line: str | None
    steward: str | None
    participants: Sequence[str]
    data_class: str
    export_controlled: bool
    asset: str | None
    serial_number: str | None
    rework_of: str | None
    custom_fields: Mapping[str, object]


class WorkOrderInput(WorkOrderFields, total=False):
    """A new work order; `release=True` releases it at once."""

    product: Required[str]
    quantity: Required[Quantity]
    external_ref: str
    operations: Sequence[OperationFields]
    release: bool


class NewWorkOrder(WorkOrderInput, Call, total=False):
    """`WorkOrderInput` as one call."""


class WorkOrderChange(WorkOrderFields, Call, total=False):
    """Fields to change; None clears one."""

    product: str
    quantity: Quantity


class NewOperation(OperationFields, Call, total=False):
    """A step added to a work order."""


class Command(Call, total=False):
    """A command and why it is given."""

    reason: str


class OperationCommand(Command, total=False):
    """Who does it and where; what is not given stays."""

    operator: str | None
    work_center: str | None


class NewInspection(Call, total=False):
    """What an inspection of an operation (`subject`) found."""

    subject: Required[str]
    result: Required[Literal["pass", "fail"]]
    note: str | None


class EvidenceEntry(Model):
    """An entry of the log about an order: its index, and the hash it is in the tree by."""

    index: int
    id: str
    type: str
    at: datetime
    subject: str
    leaf_hash: str


class Evidence(Model):
    """All that proves a work order; what the caller may not read is left out."""

    work_order: WorkOrder
    signatures: list[Signature]
    reports: list[Report]
    inspections: list[Inspection]
    receipts: list[Receipt]
    attachments: list[Attachment]
    entries: list[EvidenceEntry]
    tree_size: int
    checkpoint: str | None


class NewReceipt(Call, total=False):
    """Finished goods to book in."""

    quantity: Required[Quantity]
    lot: str | None
    location: str | None


class Consumption(TypedDict, total=False):
    """A lot and how much of it."""

    lot: Required[str]
    quantity: Required[Quantity]


class ReportFields(Call, total=False):
    """What was done, by whom, where and when. Times may be any past instant."""

    kind: Required[ReportKind]
    good: Quantity
    scrap: Quantity
    rework: Quantity
    scrap_reason: str
    operator: str
    work_center: str
    started_at: Instant
    ended_at: Instant
    consumed: Sequence[Mapping[str, object]]
    produced: Sequence[Mapping[str, object]]
    external_ref: str


class Correction(ReportFields, total=False):
    """The whole report as it should have been, and why."""

    reason: Required[str]
