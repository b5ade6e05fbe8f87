"""What one request costs the database does not grow with what it shows."""

from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.graph import data, enter

from woaas_core.db import turns

pytestmark = pytest.mark.anyio

TREE = """query ($first: Int!) {
  workOrders(first: $first) { edges { node {
    number operations { name reports(first: 1) { good operation { name } } workOrder { number } }
  } } }
}"""

SIGNED = "query ($first: Int!) { workOrders(first: $first) { edges { node { signatures { id } } } } }"


async def statements(
    factory: Tenant, monkeypatch: pytest.MonkeyPatch, first: int, query: str = TREE
) -> tuple[int, Any]:
    made: list[turns.Turns] = []
    build = turns.Turns.__init__

    def noted(self: turns.Turns, connection: Any) -> None:
        build(self, connection)
        made.append(self)

    monkeypatch.setattr(turns.Turns, "__init__", noted)
    found = await data(factory, query, first=first)
    monkeypatch.undo()
    (counted,) = made
    return counted.statements, found


class TestLoading:
    async def test_fifty_orders_take_as_many_statements_as_one(
        self, factory: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        items = [{"key": str(i), "work_order": {"product": "P", "quantity": "1", "release": True,
                  "operations": [{"name": "Turn"}, {"name": "Grind"}]}} for i in range(15)]  # fmt: skip
        async with factory.client() as client:
            entered = (await client.post("/v1/work-orders/batch", json={"items": items})).json()["results"]
            for result in entered[-5:]:
                operation = result["work_order"]["operations"][0]["id"]
                await client.post(f"/v1/operations/{operation}/reports", json={"kind": "run", "good": "1"})
        one, _ = await statements(factory, monkeypatch, 1)
        many, found = await statements(factory, monkeypatch, 15)
        assert one == many
        signed = [(await statements(factory, monkeypatch, first, SIGNED))[0] for first in (1, 15)]
        assert signed[0] == signed[1]
        orders = found["workOrders"]["edges"]
        assert len(orders) == 15
        for edge in orders:
            names = [o["name"] for o in edge["node"]["operations"]]
            assert names == ["Turn", "Grind"]
            assert {o["workOrder"]["number"] for o in edge["node"]["operations"]} == {edge["node"]["number"]}
        assert [o["good"] for e in orders for s in e["node"]["operations"] for o in s["reports"]] == ["1"] * 5

    async def test_reports_are_the_newest_of_each_operation(self, world: World, factory: Tenant) -> None:
        order = await enter(factory, release=True)
        operation = order["operations"][0]["id"]
        async with factory.client() as client:
            for good in ("1", "2", "3"):
                await client.post(f"/v1/operations/{operation}/reports", json={"kind": "run", "good": good})
        query = "query ($id: ID!) { operation(id: $id) { reports(first: 2) { good } } }"
        assert (await data(factory, query, id=operation))["operation"]["reports"] == [{"good": "3"}, {"good": "2"}]
