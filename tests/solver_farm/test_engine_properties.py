"""Whatever the plant, the plan can be carried out, its figures are right, and it repeats."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from woaas_solver_farm.checker import check
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.generator import Shape, generate
from woaas_solver_farm.objective import PRESETS, minimise
from woaas_solver_farm.problem import (
    METRICS,
    Calendar,
    Fixed,
    Job,
    Limits,
    Machine,
    Mode,
    Objective,
    Operation,
    Operator,
    Outsource,
    Place,
    Predecessor,
    Problem,
    Term,
    Tool,
)
from woaas_solver_farm.problem_validation import faults

GROUPS = ("A", "B", "C")
SKILLS = ("run", "set")
LIMITS = Limits(iterations=120, seed=3)


def calendar(rng: random.Random) -> Calendar | None:
    if rng.random() < 0.5:
        return None
    windows, time = [], rng.randrange(0, 5)
    for _ in range(rng.randrange(4, 20)):
        end = time + rng.randrange(3, 25)
        windows.append((time, end))
        time = end + rng.randrange(0, 8)
    return tuple(windows)


def mode(rng: random.Random) -> Mode:
    return Mode(
        machine=f"M{rng.randrange(3)}",
        duration=rng.randrange(0, 9),
        setup=rng.choice((0, 0, 2)),
        operator_skill=rng.choice((None, "run")),
        setup_skill=rng.choice((None, None, "set")),
        tools=rng.choice(((), (), ("T0",), ("T1",), ("T1", "T1"))),
        cost=rng.randrange(3),
    )


def operation(rng: random.Random, job: int, i: int) -> Operation:
    links: list[str | Predecessor] = []
    if i and rng.random() < 0.7:
        links.append(Predecessor(operation=str(rng.randrange(i)), min_lag=rng.choice((0, 0, 4, -1))))
    if job and rng.random() < 0.15:
        links.append(Predecessor(operation="0", job=f"J{rng.randrange(job)}"))
    modes = tuple(mode(rng) for _ in range(rng.randrange(1, 4)))
    fixed = None
    if rng.random() < 0.1:
        start = rng.randrange(-5, 60)
        operator = rng.choice((None, "P0"))
        fixed = Fixed(machine=modes[0].machine, operator=operator, start=start, end=start + rng.randrange(1, 9))
    return Operation(
        id=str(i),
        modes=modes,
        release=rng.choice((0, 0, rng.randrange(30))),
        setup_group=rng.choice((None, *GROUPS)),
        predecessors=tuple(links),
        resumable=rng.random() < 0.3,
        outsource=Outsource(cost=rng.randrange(50), lead_time=rng.randrange(40)) if rng.random() < 0.15 else None,
        fixed=fixed,
    )


def factory(seed: int) -> Problem:
    """A small plant with every kind of constraint, contradictions included."""
    rng = random.Random(seed)
    jobs = tuple(
        Job(
            id=f"J{j}",
            release=rng.choice((0, rng.randrange(20))),
            due=rng.choice((None, rng.randrange(80))),
            deadline=rng.choice((None, None, None, rng.randrange(20, 150))),
            weight=rng.randrange(4),
            operations=tuple(operation(rng, j, i) for i in range(rng.randrange(1, 4))),
        )
        for j in range(rng.randrange(1, 7))
    )
    places = tuple(
        Place(job=job.id, operation=o.id, machine=o.modes[0].machine, start=rng.randrange(80))
        for job in jobs
        for o in job.operations
        if rng.random() < 0.5
    )
    terms = tuple(Term(metric=metric, weight=rng.choice((1, 0.5, 3))) for metric in rng.sample(METRICS, k=3))
    return Problem(
        machines=tuple(
            Machine(
                id=f"M{m}",
                calendar=calendar(rng),
                setup_matrix=rng.choice((None, "S")),
                initial_setup_group=rng.choice((None, *GROUPS)),
            )
            for m in range(3)
        ),
        setup_matrices={"S": {a: {b: rng.randrange(6) for b in GROUPS if a != b} for a in GROUPS}},
        operators=tuple(
            Operator(id=f"P{p}", skills=tuple(rng.sample(SKILLS, k=rng.randrange(1, 3))), calendar=calendar(rng))
            for p in range(rng.randrange(1, 4))
        ),
        tools=(Tool(id="T0", calendar=calendar(rng)), Tool(id="T1", count=2)),
        jobs=jobs,
        baseline=rng.choice(((), places)),
        warm_start=rng.choice(((), places)),
        objective=rng.choice(
            (
                None,
                PRESETS["balanced"],
                minimise(rng.choice(METRICS)),
                Objective(mode="lexicographic", terms=terms),
                Objective(terms=terms),
            )
        ),
    )


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_every_plan_is_accepted_by_the_checker(seed: int) -> None:
    problem = factory(seed)
    assert faults(problem) == []
    result = solve(problem, LIMITS)
    assert check(problem, result) == []
    assert result.checked
    assert result.bound is None or result.bound <= (result.objective or 0) + 1e-6
    assert len(result.assignments) + len(result.overflow) == sum(len(job.operations) for job in problem.jobs)


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_the_same_seed_and_iterations_give_the_same_plan(seed: int) -> None:
    problem = factory(seed)
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
