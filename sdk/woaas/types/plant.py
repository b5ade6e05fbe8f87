"""The factory: places, machines, people, tools, materials and calendars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, Required, TypedDict

from woaas._models import Model, Money
from woaas._request import Call
from woaas._wire import Duration, Instant, MoneyInput, Quantity


class Master(Model):
    """What all master data share."""

    id: str
    code: str
    name: str | None
    livemode: bool | None
    archived_at: datetime | None
    version: int | None


class Site(Master):
    """A factory or a part of one."""

    time_zone: str | None


class Line(Master):
    """A line of work centers."""

    site: str | None


class WorkCenter(Master):
    """One unit that can be scheduled: a machine, a cell, a bench."""

    site: str | None
    line: str | None
    equipment_class: str | None
    calendar: str | None
    cost_per_hour: Money | None
    initial_setup_group: str | None
    state: str | None


class CalendarWindow(Model):
    """A working window of a weekday, in the calendar's local time."""

    day: str | int | None
    start: str | None
    end: str | None


class Calendar(Master):
    """When something works."""

    time_zone: str | None
    weekly: list[CalendarWindow]
    exceptions: list[Model]


class Qualification(Model):
    """A skill somebody has, and from when to when."""

    skill: str | None
    level: int | None
    valid_from: datetime | None
    valid_to: datetime | None


class Operator(Master):
    """Somebody who works."""

    qualifications: list[Qualification]
    calendar: str | None
    location: str | None


class Tool(Master):
    """A tool of which there are so many."""

    count: int | None
    life: Decimal | None
    setup_group: str | None


class SetupEntry(Model):
    """How long a changeover takes."""

    from_group: str | None
    to_group: str | None
    duration: timedelta | None


class SetupMatrix(Master):
    """Changeover times of a class of machines."""

    work_centers: list[str]
    equipment_class: str | None
    entries: list[SetupEntry]


class Material(Master):
    """Something made or used up."""

    unit: str | None


class MaterialLot(Master):
    """A quantity of a material that is traced as one."""

    lot: str | None
    material: str | None
    quantity: Decimal | None
    disposition: str | None
    available_at: datetime | None


class Routing(Master):
    """The usual steps of a product."""

    product: str | None
    operations: list[Model]


class Customer(Master):
    """Somebody orders are for."""


class Asset(Master):
    """Something that is maintained."""

    site: str | None


class MasterFields(Call, total=False):
    """A name beside the code."""

    name: str


class SiteFields(MasterFields, total=False):
    """A site to put."""

    time_zone: str


class LineFields(MasterFields, total=False):
    """A line to put."""

    site: str | None


class WorkCenterFields(MasterFields, total=False):
    """A work center to put."""

    site: str | None
    line: str | None
    equipment_class: str | None
    calendar: str | None
    cost_per_hour: MoneyInput | None
    initial_setup_group: str | None
    state: Literal["up", "down", "maintenance", "stale"]


class WindowInput(TypedDict):
    """A working window: `{"day": "mon", "start": "07:00", "end": "15:00"}`."""

    day: str | int
    start: str
    end: str


class CalendarFields(MasterFields, total=False):
    """A calendar to put."""

    time_zone: str
    weekly: Sequence[WindowInput]
    exceptions: Sequence[Mapping[str, object]]


class QualificationInput(TypedDict, total=False):
    """A skill somebody has."""

    skill: Required[str]
    level: int
    valid_from: Instant | None
    valid_to: Instant | None


class OperatorFields(MasterFields, total=False):
    """An operator to put."""

    qualifications: Sequence[QualificationInput]
    calendar: str | None
    location: str | None


class ToolFields(MasterFields, total=False):
    """A tool to put."""

    count: int
    life: Quantity | None
    setup_group: str | None


class SetupEntryInput(TypedDict):
    """A changeover and its duration."""

    from_group: str
    to_group: str
    duration: Duration


class SetupMatrixFields(MasterFields, total=False):
    """A setup matrix to put."""

    work_centers: Sequence[str]
    equipment_class: str | None
    entries: Sequence[SetupEntryInput]


class MaterialFields(MasterFields, total=False):
    """A material to put."""

    unit: str


class MaterialLotFields(Call, total=False):
    """A lot to put."""

    material: str
    quantity: Quantity
    disposition: str
    available_at: Instant | None


class RoutingFields(MasterFields, total=False):
    """A routing to put; operations as of a work order."""

    product: str
    operations: Sequence[Mapping[str, object]]


class AssetFields(MasterFields, total=False):
    """An asset to put."""

    site: str | None
    work_center: str | None
