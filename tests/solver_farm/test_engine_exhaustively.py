"""The engine beside the best of all plans: what it calls optimal is, and what it calls impossible is."""

from collections.abc import Callable

import pytest
from fixtures.enumeration import Rules, optimum, spots
from fixtures.tiny_plants import UNTIL, tiny_line, tiny_plant, tiny_shop
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.problem import Limits, Problem
from woaas_solver_farm.problem_validation import faults

LIMITS = Limits(iterations=300, seed=1)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(seed=st.integers(0, 2**32))
def test_proofs_hold_against_every_plan(seed: int) -> None:
    problem = tiny_plant(seed)
    assert faults(problem) == []
    result = solve(problem, LIMITS)
    assert (result.checked, result.accepted) == (True, not result.overflow)
    event(result.status)
    if result.overflow:
        assert result.status in ("infeasible", "unknown")
        if result.status == "infeasible":
            assert optimum(problem, UNTIL) is None
        return
    rules, plan = Rules(problem), spots(result.assignments)
    assert rules.are_kept(plan)
    figures = rules.values(plan, problem.jobs, rules.setups(plan))
    assert figures == {name: getattr(result.metrics, name) for name in figures}
    goals = rules.goals(plan)
    assert goals[0] == result.objective
    assert result.bound is not None
    assert result.bound <= goals[0]
    # The enumeration looks no further than its horizon: a plan that ends later can be better than all it tried.
    assume(max((spot.end for spot in plan.values()), default=0) <= UNTIL)
    best = optimum(problem, UNTIL)
    assert best is not None
    assert best <= goals
    assert result.bound <= best[0]
    if result.status == "optimal":
        assert goals == best


@pytest.mark.parametrize("plant", [tiny_shop, tiny_line])
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_shops_and_lines_have_the_shortest_makespan(plant: Callable[[int], Problem], seed: int) -> None:
    problem = plant(seed)
    assert faults(problem) == []
    result = solve(problem, LIMITS)
    assert (result.accepted, result.overflow) == (True, ())
    rules = Rules(problem)
    assert rules.are_kept(spots(result.assignments))
    assert rules.goals(spots(result.assignments)) == optimum(problem, result.metrics.makespan)
    assert result.bound is not None
    assert result.bound <= result.metrics.makespan
