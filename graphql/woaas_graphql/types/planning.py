"""Questions to the planner, proposals, expected demand, what was learned of durations, and alerts."""

from typing import Any
from uuid import UUID

import strawberry

from woaas_core.conditional import encode, etag_of
from woaas_core.db.statements import Row
from woaas_graphql.context import Context, Info, Link
from woaas_graphql.errors import FieldUnreadable
from woaas_graphql.nodes import Kind, Node
from woaas_graphql.scalars import JSON, DateTime
from woaas_graphql.shapes import shows
from woaas_graphql.types.links import (
    LazyOperation,
    LazyOrder,
    LazySchedule,
    etag,
    link,
    operation_of,
    order_of,
    schedule_of,
)
from woaas_security.authz.access import Access
from woaas_security.principal import Principal
from woaas_solver_farm.inquiries.views import MEMBERS, hidden_members, show_move
from woaas_solver_farm.learning.resources import DURATION_MODEL
from woaas_solver_farm.proposals import service as proposals
from woaas_solver_farm.proposals.resources import PROPOSAL, PROPOSAL_CHANGE
from woaas_solver_farm.schedules.resources import SCHEDULE_RUN
from woaas_work_orders.alerts.resources import ALERT
from woaas_work_orders.forecasts.resources import FORECAST, FORECAST_BUCKET
from woaas_work_orders.promises.resources import PROMISE
from woaas_work_orders.promises.views import show as show_promise

PROMISE_KIND = Kind(PROMISE, show_promise)
PROPOSAL_KIND = Kind(PROPOSAL)
PROPOSAL_CHANGE_KIND = Kind(PROPOSAL_CHANGE)
FORECAST_KIND = Kind(FORECAST)
BUCKET_KIND = Kind(FORECAST_BUCKET)
DURATION_MODEL_KIND = Kind(DURATION_MODEL)
ALERT_KIND = Kind(ALERT)

_BUCKETS_OF_FORECAST = Link(BUCKET_KIND, "forecast_id", "start_at")


@shows(PROMISE_KIND, {"confidence": float, "impacted": list[JSON], "places": list[JSON]})
class Promise:
    """When an order could be done; `state` is `pending` until the planner has answered."""

    etag: str | None = link(etag, "What `ifMatch` takes")


def _show_move(principal: Principal, _: Access, row: Row) -> dict[str, Any]:
    """A move with all that the caller may see of it: what is not answered yet is null."""
    return dict.fromkeys(MEMBERS - hidden_members(principal)) | show_move(principal, row)


MOVE_KIND = Kind(SCHEDULE_RUN, _show_move)


@strawberry.type
class Move:
    """What a move means; `status` is `queued` until the planner has answered, `schedule` the plan it made."""

    __kind__ = MOVE_KIND

    id: strawberry.ID
    livemode: bool | None
    masked_fields: list[str] | None
    status: str | None
    error: str | None
    feasible: bool | None
    refusal: str | None
    operation: JSON | None
    moved: list[JSON] | None
    impacted: list[JSON] | None
    metrics: JSON | None
    delta: JSON | None
    schedule_id: strawberry.ID | None


@shows(PROPOSAL_CHANGE_KIND)
class ProposalChange:
    """An operation that would be elsewhere, at another time or with another person; null where it has no place."""

    operation: LazyOperation | None = link(operation_of, "What would move")
    work_order: LazyOrder | None = link(order_of, "The order it belongs to")


@strawberry.type
class ProposalOrder:
    """An order's end in the old plan, in the new one, and in reality."""

    work_order_id: strawberry.ID | None
    number: str | None
    due_at: DateTime | None
    old_end_at: DateTime | None
    new_end_at: DateTime | None
    realised_end_at: DateTime | None
    deviation_minutes: float | None


async def _load_details(context: Context, keys: list[UUID]) -> list[dict[str, Any]]:
    found = await proposals.details(context.uow, context.principal, keys)
    return [found[key] for key in keys]


async def _detail(root: Node, info: Info, name: str) -> Any:
    details = await info.context.loaded(_load_details, root.id)
    if name not in details:
        raise FieldUnreadable
    return details[name]


async def _changes(root: Node, info: Info) -> list[ProposalChange] | None:
    principal = info.context.principal
    changes = [{**change, "livemode": principal.livemode} for change in await _detail(root, info, "changes")]
    return [Node(PROPOSAL_CHANGE_KIND, principal, None, shown) for shown in changes]  # type: ignore[misc]


async def _orders(root: Node, info: Info) -> list[ProposalOrder] | None:
    return await _detail(root, info, "orders")  # type: ignore[no-any-return]


async def _completed(root: Node, info: Info) -> int | None:
    return await _detail(root, info, "completed_orders")  # type: ignore[no-any-return]


async def _deviation(root: Node, info: Info) -> float | None:
    return await _detail(root, info, "mean_deviation_minutes")  # type: ignore[no-any-return]


async def _proposal_etag(root: Node, info: Info) -> str | None:
    details = await info.context.loaded(_load_details, root.id)
    return etag_of(encode(root.shown | details))


@shows(PROPOSAL_KIND)
class Proposal:
    """A new plan to decide on."""

    etag: str | None = link(_proposal_etag, "What `ifMatch` takes; it covers what it changes, as REST's ETag does")
    schedule: LazySchedule | None = link(schedule_of, "The plan proposed")
    changes: list[ProposalChange] | None = link(_changes, "The operations it moves")
    orders: list[ProposalOrder] | None = link(_orders, "The orders it moves")
    completed_orders: int | None = link(_completed, "How many of those are completed")
    mean_deviation_minutes: float | None = link(_deviation, "How far their ends are from the plan that held")


@shows(BUCKET_KIND)
class ForecastBucket:
    """What is expected of a product in a period, and what real orders have used up of it."""

    work_order: LazyOrder | None = link(order_of, "The virtual order of the rest")


async def _buckets(root: Node, info: Info) -> list[ForecastBucket] | None:
    return await info.context.linked(_BUCKETS_OF_FORECAST, root.id)  # type: ignore[return-value]


@shows(FORECAST_KIND)
class Forecast:
    """Expected demand."""

    buckets: list[ForecastBucket] | None = link(_buckets, "What is expected by product and period")


@shows(DURATION_MODEL_KIND, {"quantile": float})
class DurationModel:
    """A version of what closed operations taught about how long work takes."""

    etag: str | None = link(etag, "What `ifMatch` takes")


@shows(ALERT_KIND, {"links": list[str]})
class Alert:
    """Something that needs a person; it closes when its cause is gone."""

    etag: str | None = link(etag, "What `ifMatch` takes")
    work_order: LazyOrder | None = link(order_of, "The order it is about, if it is about one")
