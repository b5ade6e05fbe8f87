"""The checker accepts a good plan and finds each kind of planted violation."""

from collections.abc import Callable

import msgspec
import pytest

from woaas_solver_farm.checker import check, measure
from woaas_solver_farm.objective import objective_of, value
from woaas_solver_farm.problem import (
    Fixed,
    Job,
    Machine,
    Mode,
    Operation,
    Operator,
    Outsource,
    Place,
    Predecessor,
    Problem,
    Tool,
)
from woaas_solver_farm.result import Assignment, Metrics, Result, Unplaced

PROBLEM = Problem(
    machines=(
        Machine(id="M", calendar=((0, 50), (60, 200)), setup_matrix="S", initial_setup_group="A"),
        Machine(id="N"),
    ),
    setup_matrices={"S": {"A": {"B": 5}, "B": {"A": 4}}},
    operators=(Operator(id="P", skills=("run", "set"), calendar=((0, 100),)), Operator(id="Q")),
    tools=(Tool(id="T"),),
    jobs=(
        Job(
            id="J",
            release=2,
            due=40,
            deadline=150,
            weight=2,
            operations=(
                Operation(id="1", modes=(Mode(machine="M", duration=10, operator_skill="run"),), setup_group="A"),
                Operation(
                    id="2",
                    modes=(Mode(machine="M", duration=20, setup=1, setup_skill="set", tools=("T",)),),
                    setup_group="B",
                    predecessors=(Predecessor(operation="1", min_lag=3),),
                ),
                Operation(id="3", modes=(Mode(machine="M", duration=12),), predecessors=("2",), resumable=True),
            ),
        ),
        Job(
            id="K",
            operations=(
                Operation(
                    id="1",
                    modes=(Mode(machine="N", duration=5, tools=("T",)),),
                    fixed=Fixed(machine="N", start=-1, end=6),
                ),
                Operation(id="2", modes=(Mode(machine="N", duration=9),), outsource=Outsource(cost=7, lead_time=30)),
                Operation(id="3", modes=(Mode(machine="N", duration=4, operator_skill="run"),), release=20),
            ),
        ),
    ),
    baseline=(Place(job="J", operation="1", machine="M", start=2), Place(job="K", operation="2", machine="N", start=0)),
)


def place(
    job: str, operation: str, machine: str | None, setup_start: int, start: int, end: int, **more: object
) -> Assignment:
    fields = {"operator": None, "tools": (), "outsourced": False} | more
    return msgspec.convert(
        {"job": job, "operation": operation, "machine": machine, "setup_start": setup_start, "start": start, "end": end}
        | fields,
        Assignment,
    )


GOOD = {
    "J1": place("J", "1", "M", 2, 2, 12, operator="P"),
    "J2": place("J", "2", "M", 12, 18, 38, operator="P", tools=("T",)),
    "J3": place("J", "3", "M", 38, 38, 50),
    "K1": place("K", "1", "N", -1, -1, 6, tools=("T",)),
    "K2": place("K", "2", None, 0, 0, 30, outsourced=True),
    "K3": place("K", "3", "N", 20, 20, 24, operator="P"),
}
METRICS = Metrics(
    weighted_tardiness=20,
    total_tardiness=10,
    late_orders=1,
    makespan=50,
    setup_time=6,
    flow_time=78,
    changes=1,
    outsourcing_cost=7,
)


def result(places: dict[str, Assignment], overflow: tuple[Unplaced, ...] = (), *, problem: Problem = PROBLEM) -> Result:
    bare = Result(
        status="unknown" if overflow else "feasible",
        objective=None,
        bound=None,
        accepted=False,
        metrics=METRICS,
        assignments=tuple(places.values()),
        overflow=overflow,
    )
    metrics = measure(problem, bare)
    return msgspec.structs.replace(bare, metrics=metrics, objective=value(objective_of(problem), metrics))


def changed(key: str, **fields: object) -> dict[str, Assignment]:
    return GOOD | {key: msgspec.structs.replace(GOOD[key], **fields)}


def test_a_good_plan_is_accepted_and_measured() -> None:
    # K3's operator is P, who is with J2 from 12 (the set-up) to 18 only.
    assert check(PROBLEM, result(GOOD)) == []
    assert measure(PROBLEM, result(GOOD)) == METRICS


def test_wrong_figures_are_found() -> None:
    lying = msgspec.structs.replace(result(GOOD), metrics=msgspec.structs.replace(METRICS, makespan=49))
    assert [violation.rule for violation in check(PROBLEM, lying)] == ["metrics"]


def without(key: str) -> dict[str, Assignment]:
    return {name: place for name, place in GOOD.items() if name != key}


PLANTED: list[tuple[str, Callable[[], dict[str, Assignment]]]] = [
    ("missing", lambda: without("K3")),
    ("placed_twice", lambda: GOOD | {"again": GOOD["K3"]}),
    ("unknown_operation", lambda: GOOD | {"X": place("J", "9", "N", 0, 0, 1)}),
    ("times", lambda: changed("K3", setup_start=21)),
    ("machine", lambda: changed("K3", machine="M")),
    ("machine_overlap", lambda: changed("K3", setup_start=20, start=20) | {"J3": place("J", "3", "M", 37, 37, 49)}),
    ("setup", lambda: changed("J2", setup_start=13)),
    ("setup_skill", lambda: changed("J2", operator="Q")),
    ("operator_skill", lambda: changed("K3", operator="Q")),
    ("operator_skill", lambda: changed("K3", operator=None)),
    ("operator_overlap", lambda: changed("J1", operator="P", setup_start=5, start=5, end=15)),
    ("calendar", lambda: changed("K3", setup_start=98, start=98, end=102)),
    ("calendar", lambda: changed("J2", setup_start=40, start=46, end=66)),
    ("duration", lambda: changed("K3", end=25)),
    ("duration", lambda: changed("J3", end=61)),
    ("precedence", lambda: changed("J2", setup_start=12, start=14, end=34)),
    ("release", lambda: changed("K3", setup_start=19, start=19, end=23)),
    ("release", lambda: changed("J1", setup_start=1, start=1, end=11)),
    ("deadline", lambda: changed("J3", setup_start=150, start=150, end=162)),
    ("tool", lambda: changed("J2", tools=())),
    ("tool_count", lambda: changed("J2", setup_start=5)),
    ("fixed", lambda: changed("K1", end=7)),
    ("outsource", lambda: changed("K2", end=29)),
    ("outsource", lambda: changed("K3", machine=None, outsourced=True, operator=None)),
]


@pytest.mark.parametrize(("rule", "plant"), PLANTED)
def test_a_planted_violation_is_found(rule: str, plant: Callable[[], dict[str, Assignment]]) -> None:
    assert rule in {violation.rule for violation in check(PROBLEM, result(plant()))}


class TestGivenPlacesThatContradict:
    """What overlaps a long given place is found behind a short one within it, too."""

    PROBLEM = Problem(
        machines=(Machine(id="M"), Machine(id="N")),
        operators=(Operator(id="P", skills=("run",)),),
        jobs=tuple(
            Job(id=name, operations=(Operation(id="1", modes=modes, fixed=fixed),))
            for name, modes, fixed in (
                ("A", (Mode(machine="M", duration=1),), Fixed(machine="M", operator="P", start=0, end=90)),
                ("B", (Mode(machine="M", duration=1),), Fixed(machine="M", operator="P", start=10, end=20)),
                ("C", (Mode(machine="M", duration=5), Mode(machine="N", duration=5, operator_skill="run")), None),
            )
        ),
    )

    @pytest.mark.parametrize(
        ("machine", "operator", "start", "rules"),
        [
            ("M", None, 30, ["machine_overlap"]),
            ("M", None, 90, []),
            ("N", "P", 30, ["operator_overlap"]),
            ("N", "P", 90, []),
        ],
    )
    def test_nothing_is_placed_into_them(
        self, machine: str, operator: str | None, start: int, rules: list[str]
    ) -> None:
        places = {
            "A": place("A", "1", "M", 0, 0, 90, operator="P"),
            "B": place("B", "1", "M", 10, 10, 20, operator="P"),
            "C": place("C", "1", machine, start, start, start + 5, operator=operator),
        }
        assert [violation.rule for violation in check(self.PROBLEM, result(places, problem=self.PROBLEM))] == rules


class TestResumable:
    def test_work_stretches_over_a_break(self) -> None:
        assert check(PROBLEM, result(changed("J3", setup_start=45, start=45, end=67))) == []

    def test_it_must_not_end_in_a_break(self) -> None:
        found = check(PROBLEM, result(changed("J3", setup_start=38, start=38, end=55)))
        assert {violation.rule for violation in found} == {"calendar"}


class TestOverflow:
    def test_a_listed_operation_needs_no_place(self) -> None:
        gap = Unplaced(job="K", operation="3", reason="no_room")
        assert check(PROBLEM, result(without("K3"), (gap,))) == []

    def test_nothing_may_follow_it(self) -> None:
        gap = Unplaced(job="J", operation="2", reason="no_room")
        assert [v.rule for v in check(PROBLEM, result(without("J2"), (gap,)))] == ["precedence"]
