"""Answers about work orders, operations and reports."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_core.wire import DecimalText, DurationText


class View(Struct, kw_only=True):
    """What every object shows."""

    id: str
    livemode: bool | UnsetType = UNSET
    masked_fields: list[str] | UnsetType = UNSET


class SignatureView(View, kw_only=True):
    """An electronic signature; once what was signed has changed its state is `invalidated`."""

    work_order_id: str | UnsetType = UNSET
    operation_id: str | None | UnsetType = UNSET
    meaning: str | UnsetType = UNSET
    reason: str | None | UnsetType = UNSET
    signer_id: str | UnsetType = UNSET
    signer_name: str | UnsetType = UNSET
    method: str | UnsetType = UNSET
    signed_at: datetime | UnsetType = UNSET
    signed_at_local: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    record_sha256: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    invalidated_at: datetime | None | UnsetType = UNSET
    invalidated_by: str | None | UnsetType = UNSET


class OperationView(View, kw_only=True):
    """An operation as the caller may see it."""

    work_order_id: str | UnsetType = UNSET
    sequence: int | UnsetType = UNSET
    name: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    plan_status: str | UnsetType = UNSET
    work_centers: list[str] | UnsetType = UNSET
    work_center: str | None | UnsetType = UNSET
    operator: str | None | UnsetType = UNSET
    setup_time: DurationText | UnsetType = UNSET
    unit_time: DurationText | UnsetType = UNSET
    setup_group: str | None | UnsetType = UNSET
    skills: list[str] | UnsetType = UNSET
    setup_skills: list[str] | None | UnsetType = UNSET
    tool: str | None | UnsetType = UNSET
    materials: list[dict[str, Any]] | UnsetType = UNSET
    kitted: bool | UnsetType = UNSET
    predecessors: list[int] | UnsetType = UNSET
    inspection_required: bool | UnsetType = UNSET
    inspection_passed: bool | None | UnsetType = UNSET
    sourcing: str | UnsetType = UNSET
    external_state: str | None | UnsetType = UNSET
    contract_id: str | None | UnsetType = UNSET
    custom_fields: dict[str, Any] | None | UnsetType = UNSET
    rework_of: str | None | UnsetType = UNSET
    good: DecimalText | UnsetType = UNSET
    scrap: DecimalText | UnsetType = UNSET
    rework: DecimalText | UnsetType = UNSET
    planned_work_center: str | None | UnsetType = UNSET
    planned_start_at: datetime | None | UnsetType = UNSET
    planned_end_at: datetime | None | UnsetType = UNSET
    started_at: datetime | None | UnsetType = UNSET
    ended_at: datetime | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET
    signatures: list[SignatureView] | UnsetType = UNSET


class WorkOrderView(View, kw_only=True):
    """A work order as the caller may see it."""

    number: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    stage: str | None | UnsetType = UNSET
    plan_status: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    template: str | None | UnsetType = UNSET
    title: str | UnsetType = UNSET
    product: str | UnsetType = UNSET
    quantity: DecimalText | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    due_at: datetime | None | UnsetType = UNSET
    earliest_start_at: datetime | None | UnsetType = UNSET
    promised_at: datetime | None | UnsetType = UNSET
    promise_id: str | None | UnsetType = UNSET
    customer: str | None | UnsetType = UNSET
    external_ref: str | None | UnsetType = UNSET
    custom_fields: dict[str, Any] | None | UnsetType = UNSET
    site: str | None | UnsetType = UNSET
    line: str | None | UnsetType = UNSET
    steward: str | None | UnsetType = UNSET
    participants: list[str] | UnsetType = UNSET
    data_class: str | None | UnsetType = UNSET
    export_controlled: bool | UnsetType = UNSET
    asset: str | None | UnsetType = UNSET
    serial_number: str | None | UnsetType = UNSET
    rework_of: str | None | UnsetType = UNSET
    stages: list[dict[str, Any]] | UnsetType = UNSET
    released_at: datetime | None | UnsetType = UNSET
    started_at: datetime | None | UnsetType = UNSET
    completed_at: datetime | None | UnsetType = UNSET
    closed_at: datetime | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET
    operations: list[OperationView] | UnsetType = UNSET
    signatures: list[SignatureView] | UnsetType = UNSET


class ReportView(View, kw_only=True):
    """A report as the caller may see it."""

    operation_id: str | UnsetType = UNSET
    work_order_id: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    good: DecimalText | UnsetType = UNSET
    scrap: DecimalText | UnsetType = UNSET
    rework: DecimalText | UnsetType = UNSET
    scrap_reason: str | None | UnsetType = UNSET
    operator: str | None | UnsetType = UNSET
    work_center: str | None | UnsetType = UNSET
    started_at: datetime | UnsetType = UNSET
    ended_at: datetime | UnsetType = UNSET
    consumed: list[dict[str, Any]] | UnsetType = UNSET
    produced: list[dict[str, Any]] | UnsetType = UNSET
    external_ref: str | None | UnsetType = UNSET
    connector: str | None | UnsetType = UNSET
    corrects: str | None | UnsetType = UNSET
    recorded_at: datetime | UnsetType = UNSET


class InspectionView(View, kw_only=True):
    """The result of an inspection."""

    subject: str | UnsetType = UNSET
    work_order_id: str | UnsetType = UNSET
    result: str | UnsetType = UNSET
    note: str | None | UnsetType = UNSET
    recorded_at: datetime | UnsetType = UNSET


class ReceiptView(View, kw_only=True):
    """A booking of finished goods."""

    work_order_id: str | UnsetType = UNSET
    quantity: DecimalText | UnsetType = UNSET
    lot: str | None | UnsetType = UNSET
    location: str | None | UnsetType = UNSET
    recorded_at: datetime | UnsetType = UNSET


class MasterDataView(View, kw_only=True):
    """A record of plant and people; further members depend on its kind."""

    code: str | UnsetType = UNSET
    archived_at: datetime | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET


class TimelineEntry(Struct, kw_only=True):
    """One thing that happened to an order."""

    id: str
    type: str
    at: datetime | UnsetType = UNSET
    actor: dict[str, str] | UnsetType = UNSET
    subject: str | UnsetType = UNSET
    reason: str | None | UnsetType = UNSET
    data: dict[str, Any]


class Timeline(Struct, kw_only=True):
    """Everything that happened to an order, oldest first."""

    data: list[TimelineEntry]


class OperationContext(Struct, kw_only=True):
    """Where a newcomer stands: this step, who did the one before, where it goes next."""

    now: OperationView
    previous: list[OperationView]
    next: list[OperationView]


class ShortageView(Struct, kw_only=True):
    """A material of which not enough is there now; ``missing`` is what no lot on record will cover."""

    material: str
    unit: str | None
    required: str
    available: str
    missing: str
    complete_at: datetime | None


class OperationKitting(Struct, kw_only=True):
    """How complete one operation's material is; ``complete_at`` is null now, and where something stays missing."""

    operation_id: str
    sequence: int
    kitting_rate: str
    complete_at: datetime | None
    shortages: list[ShortageView]


class Kitting(Struct, kw_only=True):
    """How complete an order's material is."""

    work_order_id: str
    number: str
    kitting_rate: str
    operations: list[OperationKitting]


class BatchResult(Struct, kw_only=True):
    """What became of one item of a batch."""

    key: str
    status: int
    work_order: WorkOrderView | UnsetType = UNSET
    problem: dict[str, Any] | UnsetType = UNSET


class BatchResults(Struct, kw_only=True):
    """What became of each item, in the order sent."""

    results: list[BatchResult]


class ComparedKpi(Struct, kw_only=True):
    """The same figure over the compared window."""

    numerator: str
    denominator: str
    value: str | None


class KpiView(Struct, kw_only=True):
    """A figure with what it was computed from; `change` is its value less the compared one."""

    name: str
    work_center: str | None | UnsetType = UNSET
    policy: str | None | UnsetType = UNSET
    policy_version: int | None | UnsetType = UNSET
    duration_model_version: int | None | UnsetType = UNSET
    unplanned: bool | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    numerator: str
    denominator: str
    value: str | None
    compared: ComparedKpi | UnsetType = UNSET
    change: str | None | UnsetType = UNSET


class Kpis(Struct, kw_only=True):
    """Figures over the half-open window ``[from, to)``."""

    window: dict[str, datetime]
    compared_window: dict[str, datetime] | UnsetType = UNSET
    data: list[KpiView]
