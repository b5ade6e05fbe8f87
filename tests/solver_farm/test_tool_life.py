"""A tool is not planned beyond its life, which what was reported with it has used up."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from fixtures.app import Tenant, World
from fixtures.planning import new_order, planned, put

from woaas_solver_farm.tool_life import tool_lives
from woaas_work_orders.orders.creation import build_operations, new_head
from woaas_work_orders.orders.entities import Operation, WorkOrder
from woaas_work_orders.orders.inputs import NewWorkOrder

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
MOULD = {"name": "Mould", "work_centers": ["m1"], "unit_time": "PT1M", "tool": "M-17"}


def order(number: str, **fields: Any) -> tuple[WorkOrder, list[Operation]]:
    body = msgspec.convert({"product": "P", "quantity": "10", "operations": [MOULD], **fields}, NewWorkOrder)
    head = new_head(body, number=number, request_hash=b"", now=NOW)
    return head, build_operations(head, body.operations or (), NOW)  # type: ignore[arg-type]


def worn(*orders: tuple[WorkOrder, list[Operation]], used: int = 0, **tool: int) -> list[str]:
    """The numbers of orders that the tool does not last for."""
    found = tool_lives(orders, {"M-17": tool}, {"M-17": Decimal(used)})
    return [head.number for head, rows in orders if rows[0].id in found.worn]


class TestLives:
    def test_what_is_left_goes_to_the_most_urgent(self) -> None:
        orders = (order("A"), order("B", priority=1), order("C", due_at="2026-11-24T00:00:00Z"))
        assert worn(*orders, life=30) == []
        assert worn(*orders, life=30, used=1) == ["A"]
        assert worn(*orders, life=20) == ["A"]
        assert worn(*orders, life=19) == ["A", "C"]
        assert worn(*orders, life=0) == ["A", "B", "C"]

    def test_copies_have_a_life_each_and_without_one_it_lasts(self) -> None:
        assert worn(order("A"), order("B"), life=10, count=2) == []
        assert worn(order("A"), used=10**9, count=1) == []

    def test_what_runs_goes_on_and_takes_its_pieces(self) -> None:
        running, waiting = order("A", priority=5), order("B", priority=1)
        running[1][0].started_at = NOW
        running[1][0].good = Decimal(4)
        assert worn(running, waiting, life=20, used=4) == []
        assert worn(running, waiting, life=19, used=4) == ["B"]
        assert worn(running, life=4, used=4) == []


@pytest.mark.anyio
async def test_an_order_beyond_the_life_overflows_until_the_tool_is_renewed(world: World, factory: Tenant) -> None:
    async with factory.client() as client:
        await put(client, "work-centers/m1")
        await put(client, "tools/M-17", count=1, life=15)
        made, next_one = [await new_order(client, operations=[MOULD]) for _ in range(2)]
        step = made["operations"][0]["id"]
        report = {"kind": "run", "good": "8", "scrap": "2"}
        assert (await client.post(f"/v1/operations/{step}/reports", json=report)).status_code == 201
        assert (await client.post(f"/v1/operations/{step}/complete", json={})).is_success
        run = await planned(world, client)
        schedule = (await client.get(f"/v1/schedules/{run['schedule_id']}")).json()
        gap = {"operation_id": next_one["operations"][0]["id"], "work_order_id": next_one["id"],
               "reason": "tool_worn:M-17"}  # fmt: skip
        assert schedule["overflow"] == [gap]
        await put(client, "tools/M-17", count=1, life=20)
        run = await planned(world, client)
        assert (await client.get(f"/v1/schedules/{run['schedule_id']}")).json()["overflow"] == []
