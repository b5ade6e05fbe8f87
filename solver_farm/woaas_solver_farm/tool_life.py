"""What tools still have in them: pieces left of a life, given to the most urgent work first. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from woaas_work_orders.orders.entities import Operation, WorkOrder
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED, OrderState
from woaas_work_orders.orders.pegging import urgency


class ToolLives(NamedTuple):
    """The tool of each operation that it will not last for, and the pieces left in each tool after all others."""

    worn: dict[UUID, str]
    left: dict[str, Decimal]


def tool_lives(
    orders: Sequence[tuple[WorkOrder, Sequence[Operation]]],
    tools: Mapping[str, Mapping[str, Any]],
    used: Mapping[str, Decimal],
) -> ToolLives:
    """Give what is left of each tool's life, in pieces, to open operations: what runs, then real orders by urgency.

    A tool of several copies has so many lives; one without a life lasts for ever. ``used`` are the pieces reported
    with each, good or not. An operation gets the tool for all that is still to be made, or not at all.
    """
    lives = {code: Decimal(body["life"]) * body.get("count", 1) for code, body in tools.items() if body.get("life")}
    lives |= {code: Decimal(0) for code, body in tools.items() if body.get("life") == 0}
    found = ToolLives({}, {code: max(Decimal(0), life - used.get(code, 0)) for code, life in lives.items()})
    wanting = [
        (head, row)
        for head, rows in orders
        for row in rows
        if row.tool in lives and row.state not in OPERATION_ENDED and row.contract_id is None
    ]
    wanting.sort(key=lambda pair: _turn(*pair))
    for head, row in wanting:
        tool = row.tool
        assert tool is not None
        needed = max(Decimal(0), head.quantity - row.good)
        if needed <= found.left[tool] or row.started_at is not None:
            found.left[tool] = max(Decimal(0), found.left[tool] - needed)
        else:
            found.worn[row.id] = tool
    return found


def _turn(head: WorkOrder, row: Operation) -> tuple[object, ...]:
    is_expected = head.state == OrderState.FORECAST
    return row.started_at is None, is_expected, urgency(head.priority, head.due_at, head.number), row.sequence
