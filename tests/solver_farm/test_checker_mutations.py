"""Accepted plans broken in every way a plan can be wrong, and the checker beside rules written a second time."""

import random
from collections import Counter

import pytest
from fixtures.enumeration import OUTSIDE, Key, Plan, Rules, Spot, spots
from fixtures.plan_mutations import LIMITS, MUTATIONS, Case, Mutation, remeasured
from fixtures.tiny_plants import tiny_plant

from woaas_solver_farm.checker import check
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.result import Assignment

SEEDS = 90


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [Case(seed) for seed in range(SEEDS)]


@pytest.mark.parametrize(("rule", "name", "mutation"), MUTATIONS, ids=[name for _, name, _ in MUTATIONS])
def test_a_broken_plan_is_refused_for_the_right_reason(
    rule: str, name: str, mutation: Mutation, cases: list[Case]
) -> None:
    tried = 0
    for case in cases:
        broken = mutation(case)
        if broken is not None:
            tried += 1
            assert rule in {violation.rule for violation in check(case.problem, broken)}
    assert tried >= 3, f"{name} was hardly ever possible"


def test_the_checker_agrees_with_the_rules_on_plans_right_and_wrong() -> None:
    """Each plan is the engine's with one or two places changed at random; most are wrong, many are right."""
    verdicts: Counter[bool] = Counter()
    for seed in range(100):
        problem = tiny_plant(seed)
        result = solve(problem, LIMITS)
        if result.overflow:
            continue
        rules, rng = Rules(problem), random.Random(seed)
        for _ in range(40):
            plan = spots(result.assignments)
            for key in rng.choices(list(plan), k=rng.randrange(1, 3)):
                plan[key] = nudged(rules, plan, key, rng)
            is_right = rules.are_kept(plan)
            told = remeasured(problem, result, assignments_of(rules, plan))
            assert (check(problem, told) == []) is is_right, (seed, plan)
            if is_right:
                figures = rules.values(plan, problem.jobs, rules.setups(plan))
                assert figures == {name: getattr(told.metrics, name) for name in figures}
            verdicts[is_right] += 1
    assert min(verdicts[True], verdicts[False]) > 250


def nudged(rules: Rules, plan: Plan, key: Key, rng: random.Random) -> Spot:
    """The place a little different."""
    spot, by = plan[key], rng.choice((-3, -2, -1, 1, 2, 3))
    shifted = spot._replace(setup_start=spot.setup_start + by, start=spot.start + by, end=spot.end + by)
    people = (None, *rules.operators)
    modes = range(OUTSIDE, len(rules.operations[key].modes))
    return rng.choice(
        (
            shifted,
            shifted,
            spot._replace(setup_start=spot.setup_start + by),
            spot._replace(end=spot.end + by),
            spot._replace(operator=rng.choice(people)),
            spot._replace(mode=rng.choice(modes)),
            Spot(
                rng.choice(modes), rng.choice(people), spot.start + by, spot.start + by, spot.end + rng.choice((by, 0))
            ),
        )
    )


def assignments_of(rules: Rules, plan: Plan) -> tuple[Assignment, ...]:
    return tuple(
        Assignment(
            job=key[0],
            operation=key[1],
            machine=rules.machine(key, spot),
            operator=spot.operator,
            tools=() if spot.mode == OUTSIDE else rules.operations[key].modes[spot.mode].tools,
            setup_start=spot.setup_start,
            start=spot.start,
            end=spot.end,
            outsourced=spot.mode == OUTSIDE,
            mode=None if spot.mode == OUTSIDE else spot.mode,
        )
        for key, spot in plan.items()
    )
