"""The search over orders: what it decodes anew is what decoding everything gives; it repeats, and never ends worse."""

import hashlib

import msgspec
import numpy as np
import pytest
from fixtures.random_plants import random_plant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from woaas_solver_farm.engine.decoding import Genes, decode_all
from woaas_solver_farm.engine.dispatch import dispatch, first_rules
from woaas_solver_farm.engine.flat import flatten
from woaas_solver_farm.engine.measuring import energy_of, measure
from woaas_solver_farm.engine.moves import move
from woaas_solver_farm.engine.places import places_of
from woaas_solver_farm.engine.redecoding import accept, redecode, reject
from woaas_solver_farm.engine.search import search
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.engine.tables import build_tables
from woaas_solver_farm.engine.walk import HOLD, WISHED_MODE, WISHED_OPERATOR, start_walk
from woaas_solver_farm.engine.wheel import Wheel
from woaas_solver_farm.generator import Shape, generate
from woaas_solver_farm.problem import Job, Limits, Machine, Mode, Objective, Operation, Operator, Problem, Term, Tool

BOTH = Objective(terms=(Term(metric="weighted_tardiness"), Term(metric="setup_time")))
MOST = 1 << 40


def follow(problem: Problem, steps: int) -> None:
    """Try moves, keep every third and every better one, and compare each kept plan with one decoded from its genes."""
    t = build_tables(problem)
    flat = flatten(t)
    walk = start_walk(t, flat, dispatch(t, flat, first_rules()[0]), 7)
    for stamp in range(1, steps):
        if not move(flat, walk, stamp):
            continue
        energy, until = redecode(flat, walk, stamp, MOST)
        if stamp % 3 and energy >= walk.energies[0]:
            reject(walk)
            continue
        genes = Genes(*(np.array(part) for part in (walk.order, *walk.wishes.T[[WISHED_MODE, HOLD, WISHED_OPERATOR]])))
        plan, booking, trail = decode_all(t, flat, genes)
        job_end = np.zeros(t.due.size, np.int64)
        assert energy == pytest.approx(energy_of(walk.prices, measure(flat, places_of(plan, booking), job_end)))
        accept(walk, energy, until)
        assert (walk.places == places_of(plan, booking)).all()
        assert (walk.states == trail.states).all()
        assert (walk.job_end == job_end).all()
        assert (walk.order[walk.position] == np.arange(walk.order.size)).all()
        assert (walk.order == walk.known_order).all()


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_what_a_change_reaches_is_all_that_differs(seed: int) -> None:
    follow(random_plant(seed), 60)


def test_what_a_change_reaches_is_all_that_differs_in_a_factory() -> None:
    follow(msgspec.structs.replace(generate(Shape(orders=60), seed=4), objective=BOTH), 400)


def test_a_rejected_change_leaves_no_trace() -> None:
    problem = msgspec.structs.replace(generate(Shape(orders=40), seed=1), objective=BOTH)
    t = build_tables(problem)
    flat = flatten(t)
    walk = start_walk(t, flat, dispatch(t, flat, first_rules()[0]), 7)
    before = [np.array(part) for part in (walk.order, walk.position, walk.wishes, walk.places, walk.job_end, walk.sums)]
    for stamp in range(1, 100):
        if move(flat, walk, stamp):
            redecode(flat, walk, stamp, 20)
            reject(walk)
    after = (walk.order, walk.position, walk.wishes, walk.places, walk.job_end, walk.sums)
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_a_walk_never_forgets_its_best_plan() -> None:
    problem = msgspec.structs.replace(generate(Shape(orders=40), seed=2), objective=BOTH)
    t = build_tables(problem)
    flat = flatten(t)
    walk = start_walk(t, flat, dispatch(t, flat, first_rules()[0]), 3)
    begun = walk.energies[1]
    search(flat, walk, 2000, 50.0)
    plan, booking, _ = decode_all(t, flat, walk.best)
    assert walk.energies[1] <= begun
    assert walk.energies[1] <= walk.energies[0]
    assert energy_of(walk.prices, measure(flat, places_of(plan, booking), walk.job_end)) == walk.energies[1]
    assert all((a == b).all() for a, b in zip(plan, walk.best_plan, strict=True))


def test_the_wheel_repeats_and_only_improves() -> None:
    problem = msgspec.structs.replace(generate(Shape(orders=120), seed=3), objective=BOTH)
    t = build_tables(problem)
    flat = flatten(t)
    one, other = (Wheel(t, flat, first_rules()[4], 5) for _ in range(2))
    begun = one.best_energy
    one.advance(40)
    other.advance(40)
    assert one.best_energy == other.best_energy < begun
    assert (one.genes.order == other.genes.order).all()


def test_a_large_plan_has_the_same_hash_for_the_same_iterations() -> None:
    problem = msgspec.structs.replace(generate(Shape(orders=250), seed=1), objective=BOTH)
    results = [solve(problem, Limits(iterations=2000, seed=4, workers=2)) for _ in range(2)]
    first, second = (hashlib.sha256(msgspec.json.encode(r.assignments)).hexdigest() for r in results)
    assert results[0].accepted
    assert first == second


def test_more_iterations_never_end_worse_than_the_rules() -> None:
    problem = msgspec.structs.replace(generate(Shape(orders=150), seed=6), objective=BOTH)
    values = [solve(problem, Limits(iterations=n, seed=2)).objective for n in (0, 4000)]
    assert None not in values
    assert values[1] < 0.9 * values[0]  # type: ignore[operator]  # both are numbers, see above


def small(operations: list[tuple[str, str | None]], due: int, *, count: int = 1) -> Problem:
    """One machine after family A, set-ups of 5 between families and a setter who comes at 10."""
    return Problem(
        machines=(Machine(id="M", setup_matrix="S", initial_setup_group="A"),),
        setup_matrices={"S": {"A": {"B": 5}, "B": {"A": 5}}},
        operators=(Operator(id="P", skills=("set",), calendar=((10, 100),)),),
        tools=(Tool(id="T", count=count, calendar=((0, 100),)),),
        jobs=tuple(
            Job(
                id=str(i),
                due=due,
                operations=(
                    Operation(
                        id="1",
                        setup_group=group,
                        modes=(
                            Mode(machine="M", duration=4, setup_skill="set", tools=() if tool is None else (tool,)),
                        ),
                    ),
                ),
            )
            for i, (group, tool) in enumerate(operations)
        ),
        objective=BOTH,
    )


def test_families_are_made_together_from_what_the_machine_is_set_up_for() -> None:
    problem = small([("B", None), ("A", None), ("B", None), ("A", None), ("B", None)], due=1000)
    result = solve(problem, Limits(iterations=500, seed=1))
    assert (result.metrics.setup_time, result.metrics.weighted_tardiness) == (5, 0)
    set_up = next(a for a in result.assignments if a.setup_start < a.start)
    assert (set_up.operator, set_up.setup_start >= 10) == ("P", True)


def test_tardiness_is_paid_for_with_set_up_where_that_is_cheaper() -> None:
    problem = small([("A", None), ("B", "T")], due=19)
    result = solve(problem, Limits(iterations=500, seed=1))
    assert (result.metrics.weighted_tardiness, result.objective) == (0, 5)
