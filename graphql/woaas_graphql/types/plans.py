"""Runs of the planner, plans and their places."""

from woaas_graphql.nodes import Kind
from woaas_graphql.scalars import JSON
from woaas_graphql.shapes import shows
from woaas_graphql.types.links import (
    SCHEDULE_KIND,
    LazyOperation,
    LazyOrder,
    LazySchedule,
    etag,
    link,
    operation_of,
    order_of,
    schedule_of,
)
from woaas_solver_farm.schedules.resources import SCHEDULE_RUN, SLOT

RUN_KIND = Kind(SCHEDULE_RUN)


@shows(SCHEDULE_KIND, {"overflow": JSON})
class Schedule:
    """A plan."""

    etag: str | None = link(etag, "What `ifMatch` takes")


@shows(RUN_KIND)
class ScheduleRun:
    """A run of the planner."""

    schedule: LazySchedule | None = link(schedule_of, "The plan it made")


@shows(Kind(SLOT))
class Slot:
    """The place of an operation in a plan."""

    operation: LazyOperation | None = link(operation_of, "What is planned")
    work_order: LazyOrder | None = link(order_of, "The order it belongs to")
    schedule: LazySchedule | None = link(schedule_of, "The plan it belongs to")
