"""CP-SAT with every variable fixed to the engine's plan says the plan is worth what the engine says."""

import pytest
from fixtures.enumeration import OUTSIDE, spots
from fixtures.fixed_model import FixedModel
from fixtures.random_plants import random_plant

from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.objective import objective_of
from woaas_solver_farm.problem import Limits, Problem
from woaas_solver_farm.result import Result

LIMITS = Limits(iterations=30, seed=1)
SEEDS = 50


@pytest.fixture(scope="module")
def plans() -> list[tuple[Problem, Result]]:
    """The whole plans of the first random plants that have one."""
    found: list[tuple[Problem, Result]] = []
    seed = 0
    while len(found) < SEEDS:
        problem = random_plant(seed)
        result = solve(problem, LIMITS)
        if not result.overflow:
            found.append((problem, result))
        seed += 1
    return found


def test_the_fixed_model_has_the_same_objective(plans: list[tuple[Problem, Result]]) -> None:
    for problem, result in plans:
        worth = FixedModel(problem, objective_of(problem), spots(result.assignments)).worth()
        assert worth == pytest.approx(result.objective, abs=1e-6)


def test_the_fixed_model_allows_no_plan_that_is_wrong(plans: list[tuple[Problem, Result]]) -> None:
    """Each plan with one operation a tick too long."""
    tried = 0
    for problem, result in plans:
        plan = spots(result.assignments)
        for job, operation in problem.operations():
            key = (job.id, operation.id)
            if operation.fixed is None and plan[key].mode != OUTSIDE:
                longer = plan | {key: plan[key]._replace(end=plan[key].end + 1)}
                assert FixedModel(problem, objective_of(problem), longer).worth() is None
                tried += 1
                break
    assert tried > SEEDS / 2
