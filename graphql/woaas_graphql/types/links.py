"""What object types share: their kinds, how they link to each other, and the tag for ``ifMatch``."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from woaas_core.conditional import encode, etag_of
from woaas_core.wire import MoneyBody
from woaas_graphql.context import Info, Link
from woaas_graphql.nodes import Kind, Node
from woaas_graphql.shapes import struct_type
from woaas_solver_farm.schedules.resources import SCHEDULE
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER

if TYPE_CHECKING:
    from woaas_graphql.types.plans import Schedule
    from woaas_graphql.types.work import Operation, WorkOrder

WORK_ORDER_KIND = Kind(WORK_ORDER)
OPERATION_KIND = Kind(OPERATION)
SCHEDULE_KIND = Kind(SCHEDULE)

MONEY: Any = struct_type(MoneyBody)

_ORDER = Link(WORK_ORDER_KIND)
_STEP = Link(OPERATION_KIND)
_PLAN = Link(SCHEDULE_KIND)

LazyOrder = Annotated["WorkOrder", strawberry.lazy("woaas_graphql.types.work")]
LazyOperation = Annotated["Operation", strawberry.lazy("woaas_graphql.types.work")]
LazySchedule = Annotated["Schedule", strawberry.lazy("woaas_graphql.types.plans")]


async def order_of(root: Node, info: Info) -> LazyOrder | None:
    """The work order that ``work_order_id`` names."""
    return await info.context.one(_ORDER, root.key("work_order_id"))  # type: ignore[return-value]  # a node stands for it


async def operation_of(root: Node, info: Info) -> LazyOperation | None:
    """The operation that ``operation_id`` names."""
    return await info.context.one(_STEP, root.key("operation_id"))  # type: ignore[return-value]


async def schedule_of(root: Node, info: Info) -> LazySchedule | None:
    """The plan that ``schedule_id`` names."""
    return await info.context.one(_PLAN, root.key("schedule_id"))  # type: ignore[return-value]


def etag(root: Node) -> str | None:
    """The tag that REST's ETag header has: what `ifMatch` takes."""
    return etag_of(encode(root.shown))


def link(resolver: Any, description: str) -> Any:
    """A field that a resolver answers."""
    return strawberry.field(resolver, description=description)
