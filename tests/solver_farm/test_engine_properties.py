"""Whatever the plant, the plan can be carried out, its figures are right, and it repeats."""

import msgspec
import pytest
from fixtures.random_plants import random_plant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from woaas_solver_farm.checker import check
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.generator import Shape, generate
from woaas_solver_farm.objective import objective_of, rank
from woaas_solver_farm.problem import Limits, Place, Problem
from woaas_solver_farm.problem_validation import faults
from woaas_solver_farm.result import Result

LIMITS = Limits(iterations=120, seed=3)


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_every_plan_is_accepted_by_the_checker(seed: int) -> None:
    problem = random_plant(seed)
    assert faults(problem) == []
    result = solve(problem, LIMITS)
    assert check(problem, result) == []
    assert result.checked
    assert result.bound is None or result.bound <= (result.objective or 0) + 1e-6
    assert len(result.assignments) + len(result.overflow) == sum(len(job.operations) for job in problem.jobs)


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_the_same_seed_and_iterations_give_the_same_plan(seed: int) -> None:
    problem = random_plant(seed)
    first, second = (solve(problem, Limits(iterations=150, seed=seed % 99, workers=2)) for _ in range(2))
    assert first.assignments == second.assignments
    assert (first.status, first.objective, first.bound) == (second.status, second.objective, second.bound)


def test_a_whole_factory_is_planned_and_accepted() -> None:
    problem = generate(Shape(orders=120), seed=2)
    result = solve(problem, Limits(iterations=200, seed=1))
    assert (result.status, result.accepted, result.overflow) == ("feasible", True, ())


def test_search_improves_on_dispatch() -> None:
    problem = generate(Shape(orders=60), seed=5)
    dispatched = solve(problem, Limits(iterations=0, seed=1)).objective
    searched = solve(problem, Limits(iterations=3000, seed=1)).objective
    assert dispatched is not None
    assert searched is not None
    assert searched < dispatched


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_made_before_is_where_the_next_search_starts(seed: int) -> None:
    problem = msgspec.structs.replace(random_plant(seed), warm_start=(), baseline=())
    found = solve(problem, Limits(iterations=100, seed=1))
    warm = tuple(
        Place(job=a.job, operation=a.operation, machine=a.machine, mode=a.mode, operator=a.operator, start=a.start)
        for a in found.assignments
    )
    again = solve(msgspec.structs.replace(problem, warm_start=warm), Limits(iterations=0, seed=2))
    assert worth(problem, again) <= worth(problem, found)


def worth(problem: Problem, result: Result) -> tuple[float, ...]:
    return (len(result.overflow), *rank(objective_of(problem), result.metrics))
