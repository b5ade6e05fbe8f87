"""Random walks over one order through the REST door on real Postgres, beside the reference model."""

from typing import Any

import pytest
from fixtures.app import Tenant
from fixtures.lifecycle import ENDED, OPERATION_TABLE, ORDER_TABLE, ReferenceOperation, ReferenceOrder
from httpx import AsyncClient, Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.anyio

SHAPES = [
    [{"name": "a"}, {"name": "b"}, {"name": "c"}],
    [{"name": "a"}, {"name": "b", "predecessors": []}, {"name": "c", "predecessors": [10, 20]}],
    [{"name": "a", "materials": [{"material": "M", "quantity": "1"}]}, {"name": "b", "predecessors": []}],
    [{"name": "a", "inspection_required": True}],
]
COMMANDS = [
    *(("order", command) for command in sorted(ORDER_TABLE)),
    *(("operation", command) for command in [*sorted(OPERATION_TABLE), "kit", "rework"]),
    ("report", "run"),
    ("inspect", "pass"),
    ("inspect", "fail"),
]
# Whether to try something possible now or anything at all, and which of it.
STEPS = st.lists(st.tuples(st.integers(0, 3).map(bool), st.integers(0, 10_000)), min_size=12, max_size=30)


class Walk:
    """One order, in the platform and in the model."""

    def __init__(self, client: AsyncClient, second: AsyncClient, order: dict[str, Any]) -> None:
        self.client = client
        self.second = second
        self.path = f"/v1/work-orders/{order['id']}"
        self.model = ReferenceOrder(
            [
                ReferenceOperation(
                    o["sequence"],
                    o["predecessors"],
                    needs_material=bool(o["materials"]),
                    inspected=not o["inspection_required"],
                )
                for o in order["operations"]
            ]
        )
        self.seen = order

    def choose(self, possible: bool, number: int) -> tuple[str, str, int]:
        places = range(len(self.model.operations))
        every = [(kind, name, place) for kind, name in COMMANDS for place in places if kind != "order" or place == 0]
        candidates = [c for c in every if self.is_possible(*c)] if possible else every
        # What ends the order comes last and so seldom: walks are to be long.
        weighty = [c for c in candidates if c[:2] not in (("order", "cancel"), ("order", "abort"), ("order", "close"))]
        candidates = weighty * 4 + candidates
        return candidates[number % len(candidates)]

    def is_possible(self, kind: str, name: str, place: int) -> bool:
        operation = self.model.operations[place]
        if kind == "order":
            return self.model.can(name)
        if kind == "operation":
            return self.model.can_operate(operation, name)
        return kind == "inspect" or self.model.can_report(operation)

    async def step(self, kind: str, name: str, place: int) -> None:
        operation = self.model.operations[place]
        at = f"/v1/operations/{self.seen['operations'][place]['id']}"
        if kind == "order":
            expected = self.model.can(name)
            # A second pair of eyes reopens; everything else is done by the first.
            answer = await (self.second if name == "reopen" else self.client).post(f"{self.path}/{name}")
            if expected:
                self.model.do(name)
        elif kind == "operation":
            expected = self.model.can_operate(operation, name)
            answer = await self.client.post(f"{at}/{name}")
            if expected:
                self.model.operate(operation, name)
        elif kind == "report":
            expected = self.model.can_report(operation)
            answer = await self.client.post(f"{at}/reports", json={"kind": "run", "good": "3"})
            if expected:
                self.model.report(operation, 3)
        else:
            answer = await self.client.post("/v1/inspections", json={"subject": at[15:], "result": name})
            expected = True
            if self.seen["operations"][place]["inspection_required"]:
                operation.inspected = name == "pass"
        self.check_answer(answer, kind, name, expected)
        await self.compare(f"{kind} {name} {operation.sequence}")

    def check_answer(self, answer: Response, kind: str, name: str, expected: bool) -> None:
        assert (answer.status_code < 300) == expected, (kind, name, answer.text, self.model)
        if not expected:
            assert answer.status_code == 409
            assert answer.json()["code"] in ("invalid_transition", "guard_failed", "material_missing")
            if answer.json()["code"] == "invalid_transition" and self.model.state in ("released", "running"):
                assert name not in answer.json()["allowed_commands"]

    async def compare(self, after: str) -> None:
        order = (await self.client.get(self.path)).json()
        assert order["state"] == self.model.state, after
        found = [(o["sequence"], o["state"], o["good"]) for o in order["operations"]]
        assert found == [(o.sequence, o.state, str(o.good)) for o in self.model.operations], after
        self.check_invariants(order)
        self.seen = order

    def check_invariants(self, order: dict[str, Any]) -> None:
        before = {o["id"]: o["version"] for o in self.seen["operations"]}
        assert all(o["version"] >= before.get(o["id"], 1) for o in order["operations"])
        assert order["version"] >= self.seen["version"]
        if order["state"] in ("completed", "closed", "cancelled", "aborted"):
            assert all(o["state"] in ENDED for o in order["operations"])
        if order["state"] == "running":
            assert order["started_at"] is not None
        if order["state"] in ("draft", "cancelled", "aborted"):
            assert order["stage"] is None
        if order["state"] in ("completed", "closed"):
            assert order["stage"] == "done"
        assert (order["completed_at"] is not None) == (self.model.completions > 0)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=st.sampled_from(SHAPES), steps=STEPS)
async def test_the_platform_does_what_the_contract_says(
    factory: Tenant, second_owner: str, shape: list[dict[str, Any]], steps: list[tuple[bool, int]]
) -> None:
    async with factory.client() as client, factory.client(second_owner) as second:
        body = {"product": "P", "quantity": "3", "operations": shape}
        order = (await client.post("/v1/work-orders", json=body)).json()
        walk = Walk(client, second, order)
        for possible, number in steps:
            await walk.step(*walk.choose(possible, number))
        await check_log(factory, walk)


async def check_log(factory: Tenant, walk: Walk) -> None:
    """The entries of each object tell each of its versions once, in order, up to the present one."""
    entries = (await walk.client.get(f"{walk.path}/timeline")).json()["data"]
    types = [e["type"] for e in entries]
    assert types.count("work_order.completed") == walk.model.completions
    firsts = [e["data"]["first"] for e in entries if e["type"] == "work_order.completed"]
    assert firsts == [True, *[False] * (len(firsts) - 1)][: len(firsts)]


@pytest.fixture
async def second_owner(factory: Tenant) -> str:
    return await factory.key("owner")
