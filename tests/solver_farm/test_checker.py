"""The independent checker accepts a good plan and names each kind of fault planted in it."""

from typing import Any

import msgspec
import pytest

from woaas_solver_farm.checker import check
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.problem import (
    Job,
    Limits,
    Machine,
    Mode,
    Operation,
    Operator,
    Predecessor,
    Problem,
    Tool,
)
from woaas_solver_farm.result import Assignment, Result


def operation(name: str, duration: int = 4, machine: str = "M", **more: Any) -> Operation:
    mode = {n: more.pop(n) for n in ("operator_skill", "tools", "setup", "setup_skill") if n in more}
    return Operation(id=name, modes=(Mode(machine=machine, duration=duration, **mode),), **more)


def one_job(*operations: Operation, machines: tuple[Machine, ...] = (Machine(id="M"),), **more: Any) -> Problem:
    job = {n: more.pop(n) for n in ("release", "due", "deadline") if n in more}
    return Problem(machines=machines, jobs=(Job(id="J", operations=operations, **job),), **more)


def solved(problem: Problem) -> Result:
    result = solve(problem, Limits(iterations=200, seed=1))
    assert result.accepted
    assert check(problem, result) == []
    return result


def changed(result: Result, name: str, **values: Any) -> Result:
    """The result with one operation's assignment altered."""
    assignments = tuple(msgspec.structs.replace(a, **values) if a.operation == name else a for a in result.assignments)
    return msgspec.structs.replace(result, assignments=assignments)


def at(result: Result, name: str) -> Assignment:
    return next(a for a in result.assignments if a.operation == name)


def shifted(result: Result, name: str, by: int) -> Result:
    a = at(result, name)
    start = None if a.setup_start is None else a.setup_start + by
    return changed(result, name, setup_start=start, start=a.start + by, end=a.end + by)


class TestPlantedFaults:
    def test_a_successor_may_not_start_before_its_predecessor_and_lag(self) -> None:
        problem = one_job(
            operation("a"), operation("b", machine="N", predecessors=(Predecessor(operation="a", min_lag=3),)),
            machines=(Machine(id="M"), Machine(id="N")),
        )  # fmt: skip
        result = solved(problem)
        assert at(result, "b").start == at(result, "a").end + 3
        assert check(problem, shifted(result, "b", -1))

    def test_two_operations_may_not_overlap_on_a_machine(self) -> None:
        problem = Problem(
            machines=(Machine(id="M"),),
            jobs=(Job(id="1", operations=(operation("a"),)), Job(id="2", operations=(operation("b"),))),
        )
        result = solved(problem)
        later = max(("a", "b"), key=lambda n: at(result, n).start)
        assert check(problem, shifted(result, later, -1))

    def test_a_change_of_setup_group_takes_its_time_from_the_first_operation_on(self) -> None:
        machines = (Machine(id="M", setup_matrix="S", initial_setup_group="X"),)
        problem = one_job(
            operation("a", setup_group="Y"), machines=machines, setup_matrices={"S": {"X": {"Y": 5}, "Y": {"X": 5}}}
        )
        result = solved(problem)
        assert at(result, "a").start == 5
        assert check(problem, shifted(result, "a", -2))

    def test_work_that_cannot_rest_fits_in_one_window(self) -> None:
        problem = one_job(operation("a", 4), machines=(Machine(id="M", calendar=((0, 3), (10, 20))),))
        result = solved(problem)
        assert at(result, "a").start == 10
        assert check(problem, shifted(result, "a", -10))

    def test_work_that_can_rest_goes_on_after_the_break(self) -> None:
        problem = one_job(operation("a", 4, resumable=True), machines=(Machine(id="M", calendar=((0, 3), (10, 20))),))
        result = solved(problem)
        assert (at(result, "a").start, at(result, "a").end) == (0, 11)
        assert check(problem, changed(result, "a", end=4))

    def test_an_operator_needs_the_skill_and_his_shift(self) -> None:
        operators = (Operator(id="P", skills=("weld",), calendar=((6, 20),)), Operator(id="Q", skills=("turn",)))
        problem = one_job(operation("a", operator_skill="weld"), operators=operators)
        result = solved(problem)
        assert (at(result, "a").operator, at(result, "a").start) == ("P", 6)
        assert check(problem, changed(result, "a", operator="Q"))
        assert check(problem, shifted(result, "a", -3))

    def test_an_operator_is_in_one_place_at_a_time(self) -> None:
        problem = Problem(
            machines=(Machine(id="M"), Machine(id="N")),
            operators=(Operator(id="P", skills=("weld",)),),
            jobs=(
                Job(id="1", operations=(operation("a", operator_skill="weld"),)),
                Job(id="2", operations=(operation("b", machine="N", operator_skill="weld"),)),
            ),
        )
        result = solved(problem)
        later = max(("a", "b"), key=lambda n: at(result, n).start)
        assert check(problem, shifted(result, later, -1))

    def test_a_tool_is_used_no_more_often_than_there_are_of_it(self) -> None:
        problem = Problem(
            machines=(Machine(id="M"), Machine(id="N")),
            tools=(Tool(id="T", count=1),),
            jobs=(
                Job(id="1", operations=(operation("a", tools=("T",)),)),
                Job(id="2", operations=(operation("b", machine="N", tools=("T",)),)),
            ),
        )
        result = solved(problem)
        later = max(("a", "b"), key=lambda n: at(result, n).start)
        assert check(problem, shifted(result, later, -1))

    def test_nothing_starts_before_its_release(self) -> None:
        problem = one_job(operation("a"), release=7)
        result = solved(problem)
        assert at(result, "a").start == 7
        assert check(problem, shifted(result, "a", -1))

    def test_every_operation_has_one_place(self) -> None:
        problem = one_job(operation("a"), operation("b", predecessors=("a",)))
        result = solved(problem)
        missing = msgspec.structs.replace(result, assignments=result.assignments[:1])
        twice = msgspec.structs.replace(result, assignments=(*result.assignments, result.assignments[0]))
        assert check(problem, missing)
        assert check(problem, twice)

    @pytest.mark.parametrize("values", [{"machine": "N"}, {"end": 3}])
    def test_an_assignment_follows_one_of_its_modes(self, values: dict[str, Any]) -> None:
        problem = one_job(operation("a"), machines=(Machine(id="M"), Machine(id="N")))
        assert check(problem, changed(solved(problem), "a", **values))
