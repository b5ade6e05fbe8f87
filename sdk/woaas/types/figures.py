"""Pilots and alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypedDict

from woaas._models import Model
from woaas._wire import Instant
from woaas.types.access import Kpi
from woaas.types.plant import Master, MasterFields


class PilotWindow(Model):
    """A half-open window of time."""

    starts_at: datetime | None
    ends_at: datetime | None


class PilotTarget(Model):
    """What a figure should reach or not exceed, as a share."""

    name: str | None
    at_least: Decimal | None
    at_most: Decimal | None


class Pilot(Master):
    """A part of the plant tried for a time against the window before."""

    line: str | None
    work_centers: list[str]
    starts_at: datetime | None
    ends_at: datetime | None
    baseline: PilotWindow | None
    targets: list[PilotTarget]


class PilotFigure(Kpi):
    """A figure of a pilot beside its baseline; `met` is None where there is no target or nothing was counted."""

    target: PilotTarget | None
    met: bool | None


class PilotReport(Model):
    """The figures of a pilot, and how many of its targets it meets."""

    pilot: str
    line: str | None
    work_centers: list[str]
    window: dict[str, datetime]
    compared_window: dict[str, datetime]
    data: list[PilotFigure]
    targets: int
    targets_met: int


class TargetFields(TypedDict, total=False):
    """A target to set: `{"name": "oee", "at_least": "0.74"}`."""

    name: str
    at_least: Decimal | str
    at_most: Decimal | str


class PilotFields(MasterFields, total=False):
    """A pilot to put: a `line` or its `work_centers`, and `baseline` with `starts_at` and `ends_at`."""

    description: str
    line: str
    work_centers: Sequence[str]
    starts_at: Instant
    ends_at: Instant
    baseline: Mapping[str, Instant]
    targets: Sequence[TargetFields]


class Alert(Model):
    """Something that needs a person; it closes when its cause is gone."""

    id: str
    kind: str | None
    subject: str | None
    work_order_id: str | None
    livemode: bool | None
    state: str | None
    why: str | None
    links: list[str]
    since: datetime | None
    response_time: timedelta | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    closed_at: datetime | None
    created_at: datetime | None
    version: int | None
