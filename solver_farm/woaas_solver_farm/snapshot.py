"""What a planning run reads, once, before anything is decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from woaas_solver_farm.learning.estimates import Durations
from woaas_solver_farm.problem import Limits, Objective
from woaas_work_orders.orders.entities import Operation, WorkOrder

Bodies = Mapping[str, Mapping[str, Any]]
"""The members of master data of one kind, by code."""


class PlannedSlot(msgspec.Struct, frozen=True):
    """A place in the published (or another baseline) plan.

    ``pinned`` by a planner; ``kept`` because the run plans other orders only.
    """

    operation_id: UUID
    work_center: str | None
    operator: str | None
    start_at: datetime
    end_at: datetime
    pinned: bool = False
    kept: bool = False


class Reservation(msgspec.Struct, frozen=True):
    """Places that a promise holds; each as the promise shows it."""

    promise_id: UUID
    places: Sequence[Mapping[str, Any]]
    expires_at: datetime


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Open orders with all their operations, the plant and its people, the plan in force and what promises hold."""

    orders: Sequence[tuple[WorkOrder, Sequence[Operation]]] = ()
    work_centers: Bodies = {}
    calendars: Bodies = {}
    operators: Bodies = {}
    tools: Bodies = {}
    setup_matrices: Bodies = {}
    lots: Bodies = {}
    baseline: Sequence[PlannedSlot] = ()
    reservations: Sequence[Reservation] = ()
    # What machines are set up for now, as far as their work so far tells; else master data says it.
    machine_groups: Mapping[str, str] = {}
    durations: Durations = Durations()
    # Pieces reported with each tool that has a life.
    tool_use: Mapping[str, Decimal] = {}


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """How to plan; places of the baseline that start within ``frozen`` are kept."""

    start_at: datetime
    length: timedelta
    frozen: timedelta
    objective: Objective
    limits: Limits
