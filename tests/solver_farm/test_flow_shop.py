"""Permutation flow shops: the arithmetic of insertion against plain recomputation, small optima, what is refused."""

import random
from itertools import permutations

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from woaas_solver_farm.checker import check
from woaas_solver_farm.engine.decoding import decode_all
from woaas_solver_farm.engine.flat import flatten
from woaas_solver_farm.engine.flow_shop.greedy import BEST, NOW, run, start_walk
from woaas_solver_farm.engine.flow_shop.insertion import best_place, makespan_of, new_times, put_in
from woaas_solver_farm.engine.flow_shop.line import Line, genes_of_sequence, line_tables
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.engine.tables import build_tables
from woaas_solver_farm.objective import minimise
from woaas_solver_farm.problem import Job, Limits, Machine, Mode, Operation, Place, Predecessor, Problem
from woaas_solver_farm.problem_validation import faults
from woaas_solver_farm.result import Unplaced

PROPERTY = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def line_problem(seed: int, jobs: int = 6, machines: int = 3, *, permutation: bool = True) -> Problem:
    """A line with set-ups between groups, own set-ups, machines that stand set up, lags, releases and empty steps."""
    rng = random.Random(seed)
    groups = [f"G{g}" for g in range(4)]
    matrix = {a: {b: rng.randrange(9) for b in groups if rng.random() < 0.9} for a in groups}

    def operation(k: int) -> Operation:
        return Operation(
            id=str(k),
            modes=(Mode(machine=f"M{k}", duration=rng.randrange(10), setup=rng.choice((0, 0, 2))),),
            setup_group=rng.choice(groups),
            release=rng.choice((0, 0, 0, 15)),
            predecessors=(Predecessor(operation=str(k - 1), min_lag=rng.choice((0, 0, 3))),) if k else (),
        )

    return Problem(
        machines=tuple(
            Machine(
                id=f"M{k}",
                setup_matrix=rng.choice((None, "S", "S")),
                initial_setup_group=rng.choice((None, "G0")),
            )
            for k in range(machines)
        ),
        jobs=tuple(
            Job(id=f"J{j}", release=rng.choice((0, 7)), operations=tuple(operation(k) for k in range(machines)))
            for j in range(jobs)
        ),
        setup_matrices={"S": matrix},
        objective=minimise("makespan"),
        permutation=permutation,
    )


def line_in(problem: Problem) -> Line:
    line = line_tables(problem, build_tables(problem))
    assert line is not None
    return line


def makespan(line: Line, sequence: list[int]) -> int:
    return makespan_of(line, np.array(sequence), len(sequence), new_times(line))


@PROPERTY
@given(seed=st.integers(0, 2**32))
def test_a_sequence_is_worth_what_its_plan_is(seed: int) -> None:
    problem = line_problem(seed)
    t, line = build_tables(problem), line_in(problem)
    sequence = random.Random(seed).sample(range(6), 6)
    plan, _, _ = decode_all(t, flatten(t), genes_of_sequence(t, np.array(sequence)))
    assert makespan(line, sequence) == plan.end.max()


@PROPERTY
@given(seed=st.integers(0, 2**32))
def test_the_best_place_is_the_best_of_all_places(seed: int) -> None:
    line = line_in(line_problem(seed))
    *others, job = random.Random(seed).sample(range(6), 6)
    sequence = np.array([*others, -1])
    place, found = best_place(line, sequence, 5, job, new_times(line), np.array([seed | 1], np.uint64))
    assert found == min(makespan(line, [*others[:i], job, *others[i:]]) for i in range(6))
    put_in(sequence, 5, job, place)
    assert makespan(line, sequence.tolist()) == found


@PROPERTY
@given(seed=st.integers(0, 2**32))
def test_the_best_of_all_sequences_is_found(seed: int) -> None:
    line = line_in(line_problem(seed))
    walk = start_walk(line, None, seed)
    best = min(makespan(line, list(sequence)) for sequence in permutations(range(6)))
    run(line, walk, 400, best)
    assert walk.counts[BEST] == best
    assert makespan(line, walk.best.tolist()) == best
    assert makespan(line, walk.sequence.tolist()) == walk.counts[NOW]


@pytest.mark.parametrize("seed", range(6))
def test_no_job_overtakes_where_that_is_asked(seed: int) -> None:
    problem = line_problem(seed, jobs=9)
    result = solve(problem, Limits(iterations=60, seed=1))
    assert result.accepted
    freely = solve(msgspec.structs.replace(problem, permutation=False), Limits(iterations=300, seed=1))
    assert freely.accepted
    assert freely.objective is not None
    assert result.objective is not None
    assert result.bound is not None
    assert result.bound <= freely.objective


def test_overtaking_pays_and_the_checker_sees_it() -> None:
    def job(name: str, lag: int) -> Job:
        first = Operation(id="1", modes=(Mode(machine="A", duration=1),))
        link = Predecessor(operation="1", min_lag=lag)
        return Job(
            id=name, operations=(first, Operation(id="2", modes=(Mode(machine="B", duration=1),), predecessors=(link,)))
        )

    problem = Problem(
        machines=(Machine(id="A"), Machine(id="B")),
        jobs=(job("slow", 5), job("quick", 0)),
        objective=minimise("makespan"),
    )
    in_line = msgspec.structs.replace(problem, permutation=True)
    freely, orderly = (solve(p, Limits(iterations=50, seed=1)) for p in (problem, in_line))
    assert (freely.objective, orderly.objective) == (7, 8)
    assert check(in_line, orderly) == []
    assert {violation.rule for violation in check(in_line, freely)} == {"permutation"}


def test_what_is_in_overflow_overtakes_nobody() -> None:
    problem = line_problem(1)
    plan = solve(problem, Limits(iterations=50, seed=1))
    # The last job of the line goes no further than its first machine.
    last = max(plan.assignments, key=lambda a: a.end).job
    parts = [a.operation for a in plan.assignments if a.job == last][1:]
    rest = tuple(a for a in plan.assignments if a.job != last or a.operation not in parts)
    overflow = tuple(Unplaced(job=last, operation=part, reason="no_room") for part in parts)
    partly = msgspec.structs.replace(plan, assignments=rest, overflow=overflow, status="unknown")
    assert "permutation" not in {violation.rule for violation in check(problem, partly)}


def test_the_same_seed_and_iterations_give_the_same_plan() -> None:
    problem = line_problem(5, jobs=20, machines=5)
    first, second = (solve(problem, Limits(iterations=300, seed=4, workers=2)) for _ in range(2))
    assert first.accepted
    assert first.assignments == second.assignments


def test_an_earlier_plan_is_where_the_search_starts() -> None:
    problem = line_problem(5, jobs=20, machines=5)
    known = solve(problem, Limits(iterations=300, seed=4))
    places = tuple(Place(job=a.job, operation=a.operation, machine=a.machine, start=a.start) for a in known.assignments)
    again = solve(msgspec.structs.replace(problem, warm_start=places), Limits(iterations=0, seed=9))
    assert again.objective == known.objective


class TestWhatIsNoLine:
    @pytest.mark.parametrize(
        "change",
        [
            {"machines": (Machine(id="M0", calendar=((0, 500),)), Machine(id="M1"))},
            {"jobs": (Job(id="J", operations=(Operation(id="0", modes=(Mode(machine="M1", duration=1),)),)),)},
            {"objective": minimise("flow_time")},
            {"objective": None},
            {"jobs": ()},
        ],
        ids=["calendar", "another way", "another goal", "no goal", "nothing"],
    )
    def test_it_cannot_be_asked_for_one_sequence(self, change: dict[str, object]) -> None:
        jobs = tuple(
            Job(
                id=name,
                operations=tuple(
                    Operation(
                        id=str(k),
                        modes=(Mode(machine=f"M{k}", duration=1),),
                        predecessors=(str(k - 1),) if k else (),
                    )
                    for k in range(2)
                ),
            )
            for name in ("A", "B")
        )
        plain = Problem(
            machines=(Machine(id="M0"), Machine(id="M1")),
            jobs=jobs,
            objective=minimise("makespan"),
            permutation=True,
        )
        assert faults(plain) == []
        if "jobs" in change:
            change = {"jobs": (*jobs, *change["jobs"]) if change["jobs"] else ()}  # type: ignore[misc]
        assert [fault.pointer for fault in faults(msgspec.structs.replace(plain, **change))] == ["/permutation"]
