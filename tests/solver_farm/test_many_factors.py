"""A plan takes history, the state of machines, skills and kitting into account: without any of them it is another."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from woaas_core.ids import encode_id
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.learning.estimates import Durations, Learned
from woaas_solver_farm.objective import minimise
from woaas_solver_farm.problem import Limits
from woaas_solver_farm.problem_builder import build
from woaas_solver_farm.snapshot import PlanRequest, Snapshot
from woaas_work_orders.orders.creation import build_operations, new_head
from woaas_work_orders.orders.entities import Operation, WorkOrder
from woaas_work_orders.orders.inputs import NewWorkOrder

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
# A piece takes a third of its standard time.
HISTORY = Durations(1, {("SHAFT", "Turning", "m1"): Learned(100, 1.0, 60.0, 0.33, 0, None)})
Place = tuple[str | None, int, int]


def order(number: str, product: str, **step: Any) -> tuple[WorkOrder, list[Operation]]:
    steps = [{"unit_time": "PT3M", **step}]
    body = msgspec.convert({"product": product, "quantity": "10", "operations": steps}, NewWorkOrder)
    head = new_head(body, number=number, request_hash=b"", now=NOW)
    return head, build_operations(head, body.operations or (), NOW)  # type: ignore[arg-type]


TURNED = [order(f"T{n}", "SHAFT", name="Turning", work_centers=[f"m{n}"], skills=["turning"]) for n in (1, 2)]
GROUND = [
    order("G1", "RING", name="Grinding", work_centers=["m3", "m4"]),
    order("G2", "DISC", name="Grinding", work_centers=["m4"], unit_time="PT1M"),
]
KITTED = order(
    "K", "KIT", name="Assembly", work_centers=["m5"],
    materials=[{"material": "BAR", "quantity": "10", "unit": "pcs"}],
)  # fmt: skip
FACTORY = Snapshot(
    orders=[*TURNED, *GROUND, KITTED],
    work_centers={"m1": {}, "m2": {}, "m3": {"state": "down"}, "m4": {}, "m5": {}},
    operators={"ann": {"qualifications": [{"skill": "turning", "level": 1}]}},
    lots={"L1": {"material": "BAR", "quantity": "10", "available_at": (NOW + timedelta(hours=5)).isoformat()}},
    durations=HISTORY,
)


def without(what: str) -> Snapshot:
    """The same factory where the planner does not know of something."""
    change: dict[str, Any] = {
        "history": {"durations": Durations()},
        "equipment state": {"work_centers": {code: {} for code in FACTORY.work_centers}},
        "skills": {"orders": [(head, [replace(row, skills=[]) for row in rows]) for head, rows in FACTORY.orders]},
        "kitting": {"lots": {"L1": {"material": "BAR", "quantity": "10"}}},
    }[what]
    return msgspec.structs.replace(FACTORY, **change)


def plan(snapshot: Snapshot) -> dict[str, Place]:
    """Machine, start and end by order, in minutes."""
    request = PlanRequest(
        start_at=NOW, length=timedelta(days=7), frozen=timedelta(0), objective=minimise("flow_time"),
        limits=Limits(iterations=50, seed=1, workers=1),
    )  # fmt: skip
    result = solve(build(snapshot, request).problem)
    names = {encode_id("wo", head.id): head.number for head, _ in snapshot.orders}
    return {names[a.job]: (a.machine, a.start, a.end) for a in result.assignments}


def test_all_of_them_count() -> None:
    assert plan(FACTORY) == {
        # Ann turns both; the one that history says is quick comes first.
        "T1": ("m1", 0, 11),
        "T2": ("m2", 11, 41),
        # Both on the machine that is up.
        "G2": ("m4", 0, 10),
        "G1": ("m4", 10, 40),
        "K": ("m5", 300, 330),
    }


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("history", {"T1", "T2"}),
        ("skills", {"T2": ("m2", 0, 30)}),
        ("equipment state", {"G1": ("m3", 0, 30)}),
        ("kitting", {"K": ("m5", 0, 30)}),
    ],
)
def test_without_any_of_them_the_plan_is_another(what: str, changed: dict[str, Place] | set[str]) -> None:
    whole, found = plan(FACTORY), plan(without(what))
    other = {number: place for number, place in found.items() if place != whole[number]}
    if isinstance(changed, dict):
        assert other == changed
    else:
        assert sorted(end for _, _, end in (found["T1"], found["T2"])) == [30, 60]
        assert other.keys() <= changed
