"""The tabu search on the disjunctive graph: its arithmetic against plain recomputation, its moves, its answers."""

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from woaas_solver_farm.engine.decoding import decode_all
from woaas_solver_farm.engine.disjunctive.blocks import Near, estimate_before, estimate_behind, setups_of
from woaas_solver_farm.engine.disjunctive.bound import makespan_bound
from woaas_solver_farm.engine.disjunctive.elites import mix, random_plan, renew, shake
from woaas_solver_farm.engine.disjunctive.graph import Graph, critical_path, load, shift
from woaas_solver_farm.engine.disjunctive.insertion import (
    copy_times,
    find_places,
    length_through,
    put_back,
    setups_at,
    take_off,
)
from woaas_solver_farm.engine.disjunctive.shop import Shop, genes_of_starts, setup_before, shop_of
from woaas_solver_farm.engine.disjunctive.tabu import apply, best_move, run, step
from woaas_solver_farm.engine.disjunctive.walk import (
    BEST,
    BEST_ROW,
    FIRST_ELITE,
    FRESH_ROW,
    MAKESPAN,
    NOW,
    Walk,
    start_walk,
)
from woaas_solver_farm.engine.dispatch import dispatch, first_rules
from woaas_solver_farm.engine.flat import flatten
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.engine.tables import Tables, build_tables
from woaas_solver_farm.generator import Shape, generate
from woaas_solver_farm.objective import minimise
from woaas_solver_farm.problem import (
    Job,
    Limits,
    Machine,
    Mode,
    Objective,
    Operation,
    Predecessor,
    Problem,
    Term,
    Tool,
)
from woaas_solver_farm.readers import read_jsp

FT06 = """6 6
2 1 0 3 1 6 3 7 5 3 4 6
1 8 2 5 4 10 5 10 0 10 3 4
2 5 3 4 5 8 0 9 1 1 4 7
1 5 0 5 2 5 3 3 4 8 5 9
2 9 1 3 4 5 5 4 0 3 3 1
1 3 3 3 5 9 0 10 4 4 2 1
"""
PROPERTY = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def shop_problem(seed: int, jobs: int = 6, machines: int = 4, *, setups: bool = False) -> Problem:
    """A shop with converging jobs, lags, releases, empty operations, perhaps set-ups; every third without choice."""
    rng = random.Random(seed)
    shortest = rng.choice((0, 1))
    most_modes = 1 if seed % 3 == 0 else 3
    groups = [f"G{g}" for g in range(4)]
    matrix = {a: {b: rng.randrange(9) for b in groups if rng.random() < 0.9} for a in groups}

    def operation(i: int) -> Operation:
        links = tuple(
            Predecessor(operation=str(p), min_lag=rng.choice((0, 0, 3))) for p in range(i) if rng.random() < 0.6
        )
        at = rng.sample(range(machines), k=rng.randrange(1, most_modes + 1))
        own = rng.choice((0, 0, 2)) if setups else 0
        modes = tuple(Mode(machine=f"M{m}", duration=rng.randrange(shortest, 12), setup=own) for m in at)
        return Operation(
            id=str(i),
            modes=modes,
            predecessors=links,
            release=rng.choice((0, 0, 0, 9)),
            setup_group=rng.choice(groups) if setups else None,
        )

    return Problem(
        machines=tuple(
            Machine(
                id=f"M{m}",
                setup_matrix=rng.choice((None, "S", "S")) if setups else None,
                initial_setup_group=rng.choice((None, "G0")),
            )
            for m in range(machines)
        ),
        setup_matrices={"S": matrix},
        jobs=tuple(
            Job(id=f"J{j}", operations=tuple(operation(i) for i in range(rng.randrange(1, 6)))) for j in range(jobs)
        ),
        objective=minimise("makespan"),
    )


def walk_of(problem: Problem, seed: int) -> tuple[Tables, Shop, Walk]:
    t = build_tables(problem)
    shop = shop_of(t)
    assert shop is not None
    genes = dispatch(t, flatten(t), first_rules()[0])
    return t, shop, start_walk(shop, genes.mode, genes.order, seed)


def arcs(shop: Shop, g: Graph) -> list[tuple[int, int, int]]:
    count = g.order.size
    job = [
        (int(shop.pred[p]), i, int(shop.pred_lag[p]))
        for i in range(count)
        for p in range(shop.first_pred[i], shop.first_pred[i + 1])
    ]
    beside = [(i, int(g.after[i])) for i in range(count) if g.after[i] >= 0]
    return job + [(i, j, setup_before(shop, i, j, int(g.mode[j]))) for i, j in beside]


def longest_ways(shop: Shop, g: Graph) -> tuple[list[int], list[int]]:
    """Heads and tails by relaxing all arcs until nothing changes; fails on a cycle."""
    firsts = [setup_before(shop, -1, i, int(g.mode[i])) if g.before[i] < 0 else 0 for i in range(g.order.size)]
    heads, tails = [max(int(r), f) for r, f in zip(shop.release, firsts, strict=True)], [0] * g.order.size
    length = [int(shop.duration[m]) for m in g.mode]
    for _ in range(g.order.size + 1):
        changed = False
        for a, b, lag in arcs(shop, g):
            head, tail = heads[a] + length[a] + lag, tails[b] + length[b] + lag
            changed |= head > heads[b] or tail > tails[a]
            heads[b], tails[a] = max(heads[b], head), max(tails[a], tail)
        if not changed:
            return heads, tails
    raise AssertionError("the graph has a cycle")


def assert_sound(shop: Shop, walk: Walk) -> None:
    g = walk.graph
    heads, tails = longest_ways(shop, g)
    assert (g.head.tolist(), g.tail.tolist()) == (heads, tails)
    assert walk.counts[NOW] == max(h + int(n) for h, n in zip(heads, g.length, strict=True))
    placed = []
    for machine in range(shop.machines):
        i = int(g.first[machine])
        while i >= 0:
            assert shop.machine[g.mode[i]] == machine
            placed.append(i)
            i = int(g.after[i])
    assert sorted(placed) == list(range(g.order.size))


@PROPERTY
@given(seed=st.integers(0, 2**32), setups=st.booleans())
def test_heads_tails_and_sequences_hold_after_every_step(seed: int, setups: bool) -> None:
    _, shop, walk = walk_of(shop_problem(seed, setups=setups), seed)
    assert_sound(shop, walk)
    for _ in range(25):
        step(shop, walk)
        assert_sound(shop, walk)


@PROPERTY
@given(seed=st.integers(0, 2**32), setups=st.booleans())
def test_every_place_offered_keeps_the_graph_acyclic_and_its_makespan_is_known(seed: int, setups: bool) -> None:
    _, shop, walk = walk_of(shop_problem(seed * 3 + 1, setups=setups), seed)
    g, w = walk.graph, walk.without
    shake(shop, walk, 8)
    copy_times(g, w)
    for operation in range(g.order.size):
        before, current = int(g.before[operation]), int(g.mode[operation])
        for mode in range(shop.first_mode[operation], shop.first_mode[operation + 1]):
            take_off(shop, g, w, operation)
            find_places(g, w, operation, int(shop.machine[mode]))
            sequence, rest = w.sequence.copy(), int(w.longest[0])
            offered = {
                place: max(
                    rest,
                    length_through(
                        w.head,
                        w.tail,
                        g.length,
                        w.sequence,
                        int(w.longest[1]),
                        operation,
                        place,
                        int(shop.duration[mode]),
                        *setups_at(shop, g, w.sequence, int(w.longest[1]), operation, place, mode),
                    ),
                )
                for place in range(w.longest[2], w.longest[3] + 1)
            }
            put_back(shop, g, w, operation, before)
            assert offered
            for place, makespan in offered.items():
                apply(shop, walk, np.array([operation, mode, sequence[place - 1] if place else -1, 0, 0, 0, 0]))
                assert_sound(shop, walk)
                assert walk.counts[NOW] <= makespan if setups else walk.counts[NOW] == makespan
                apply(shop, walk, np.array([operation, current, before, 0, 0, 0, 0]))
    assert (w.head.tolist(), w.tail.tolist()) == (g.head.tolist(), g.tail.tolist())


@PROPERTY
@given(seed=st.integers(0, 2**32))
def test_a_move_makes_the_makespan_it_promises(seed: int) -> None:
    _, shop, walk = walk_of(shop_problem(seed * 3 + 1), seed)
    for _ in range(10):
        move, _ = best_move(shop, walk)
        if move[0] < 0:
            return
        apply(shop, walk, move)
        assert walk.counts[NOW] == move[MAKESPAN]


@PROPERTY
@given(seed=st.integers(0, 2**32), setups=st.booleans())
def test_a_shift_of_neighbours_is_worth_its_estimate(seed: int, setups: bool) -> None:
    _, shop, walk = walk_of(shop_problem(seed * 3, setups=setups), seed)
    g = walk.graph
    near = Near(g.length, g.head, g.tail, g.ready, g.rest, g.before, g.after, walk.without.head)
    for one in range(g.order.size):
        other = int(g.after[one])
        if other < 0:
            continue
        kinds = setups_of(shop, one)
        behind = estimate_behind(near, kinds, one, other, 2**62)
        assert behind == estimate_before(near, kinds, other, one, 2**62)
        if any(shop.pred[p] == one for p in range(shop.first_pred[other], shop.first_pred[other + 1])):
            continue
        if g.head[other] > g.head[one] + g.length[one] + g.lead[other]:
            continue  # a longer way may lead from one to the other
        before = int(g.before[one])
        walk.counts[NOW] = shift(shop, g, one, other)
        assert_sound(shop, walk)
        ways = [int(g.head[i] + g.length[i] + g.tail[i]) for i in (one, other)]
        assert max(ways) == behind
        walk.counts[NOW] = shift(shop, g, one, before)
        assert_sound(shop, walk)


@PROPERTY
@given(seed=st.integers(0, 2**32), setups=st.booleans())
def test_what_the_search_finds_is_a_plan(seed: int, setups: bool) -> None:
    problem = shop_problem(seed, setups=setups)
    t, shop, walk = walk_of(problem, seed)
    run(shop, walk, 200, -1)
    genes = genes_of_starts(t, walk.kept.mode[BEST_ROW], walk.kept.start[BEST_ROW])
    plan, _, _ = decode_all(t, flatten(t), genes)
    assert plan.end.max() == walk.counts[BEST] // shop.scale


@PROPERTY
@given(seed=st.integers(0, 2**32))
def test_a_critical_path_is_as_long_as_the_plan(seed: int) -> None:
    _, shop, walk = walk_of(shop_problem(seed), seed)
    g = walk.graph
    for draw in (0, 5, 12345):
        size = critical_path(shop, g, int(walk.counts[NOW]), draw, walk.path)
        path = walk.path[:size].tolist()
        assert all(g.head[i] + g.length[i] + g.tail[i] == walk.counts[NOW] for i in path)
        assert g.head[path[-1]] == shop.release[path[-1]]
        assert all((b, a) in {(x, y) for x, y, _ in arcs(shop, g)} for a, b in pairwise(path))


@PROPERTY
@given(seed=st.integers(0, 2**32))
def test_fresh_starts_are_plans(seed: int) -> None:
    _, shop, walk = walk_of(shop_problem(seed), seed)
    for row in range(FIRST_ELITE, FIRST_ELITE + 2):
        random_plan(shop, walk)
        walk.counts[NOW] = load(shop, walk.graph, walk.kept.mode[FRESH_ROW], walk.kept.start[FRESH_ROW])
        assert_sound(shop, walk)
        walk.kept.mode[row], walk.kept.start[row] = walk.graph.mode, walk.graph.head
    mix(walk, FIRST_ELITE, FIRST_ELITE + 1)
    walk.counts[NOW] = load(shop, walk.graph, walk.kept.mode[FRESH_ROW], walk.kept.start[FRESH_ROW])
    assert_sound(shop, walk)
    for _ in range(12):
        renew(shop, walk)
        assert_sound(shop, walk)
        run(shop, walk, 20, -1)


@PROPERTY
@given(seed=st.integers(0, 2**32))
def test_no_plan_beats_the_bound(seed: int) -> None:
    t, shop, walk = walk_of(shop_problem(seed), seed)
    run(shop, walk, 300, -1)
    assert makespan_bound(t) <= walk.counts[BEST] // shop.scale


def test_steps_may_be_taken_in_any_portions() -> None:
    problem = shop_problem(3, jobs=12)
    _, shop, whole = walk_of(problem, 1)
    _, _, portions = walk_of(problem, 1)
    run(shop, whole, 9000, -1)
    for _ in range(90):
        run(shop, portions, 100, -1)
    assert whole.counts.tolist() == portions.counts.tolist()
    assert whole.graph.head.tolist() == portions.graph.head.tolist()


def test_the_same_seed_and_iterations_give_the_same_plan() -> None:
    problem = shop_problem(11, jobs=14)
    first, second = (solve(problem, Limits(iterations=900, seed=4, workers=2)) for _ in range(2))
    assert first.accepted
    assert first.assignments == second.assignments
    assert (first.status, first.objective, first.bound) == (second.status, second.objective, second.bound)


def test_the_tabu_search_finds_the_best_plan_of_a_classic() -> None:
    _, shop, walk = walk_of(read_jsp(FT06), 1)
    assert walk.counts[BEST] > 55
    run(shop, walk, 20_000, 55)
    assert walk.counts[BEST] == 55


def test_a_classic_is_proven_optimal() -> None:
    result = solve(read_jsp(FT06), Limits(iterations=20_000, seed=1))
    assert (result.status, result.objective, result.bound, result.accepted) == ("optimal", 55, 55, True)


def test_work_shared_by_machines_bounds_the_makespan() -> None:
    modes = tuple(Mode(machine=m, duration=5) for m in ("M0", "M1"))
    jobs = tuple(Job(id=f"J{j}", operations=(Operation(id="1", modes=modes),)) for j in range(5))
    problem = Problem(machines=(Machine(id="M0"), Machine(id="M1")), jobs=jobs, objective=minimise("makespan"))
    assert makespan_bound(build_tables(problem)) == 13


def plain_factory() -> Problem:
    """The generator's factory without what a job shop does not know."""
    problem = generate(Shape(orders=25), seed=5)
    jobs = tuple(
        Job(
            id=job.id,
            operations=tuple(
                Operation(
                    id=operation.id,
                    modes=tuple(Mode(machine=mode.machine, duration=mode.duration) for mode in operation.modes),
                    predecessors=operation.predecessors,
                )
                for operation in job.operations
            ),
        )
        for job in problem.jobs
    )
    machines = tuple(Machine(id=machine.id) for machine in problem.machines)
    return Problem(machines=machines, jobs=jobs, objective=minimise("makespan"))


def test_it_improves_on_dispatch() -> None:
    problem = plain_factory()
    dispatched = solve(problem, Limits(iterations=0, seed=1)).objective
    searched = solve(problem, Limits(iterations=2000, seed=1))
    assert searched.accepted
    assert dispatched is not None
    assert searched.objective is not None
    assert searched.objective < dispatched


def test_later_goals_are_searched_too() -> None:
    goals = Objective(mode="lexicographic", terms=(Term(metric="makespan"), Term(metric="flow_time")))
    problem = Problem(
        machines=(Machine(id="M"),),
        jobs=tuple(
            Job(id=name, operations=(Operation(id="1", modes=(Mode(machine="M", duration=d),)),))
            for name, d in (("A", 9), ("B", 1), ("C", 4))
        ),
        objective=goals,
    )
    result = solve(problem, Limits(iterations=400, seed=1))
    assert (result.metrics.makespan, result.metrics.flow_time) == (14, 1 + 5 + 14)


@pytest.mark.parametrize(
    "part",
    [
        {"machines": (Machine(id="M", calendar=((0, 5),)),)},
        {"machines": (Machine(id="M", setup_matrix="S"),)},
        {"modes": (Mode(machine="M", duration=1, operator_skill="s"),)},
        {"modes": (Mode(machine="M", duration=1, tools=("T",)),)},
        {"deadline": 50},
        {"objective": minimise("total_tardiness")},
    ],
)
def test_what_a_job_shop_does_not_know_is_left_to_the_other_searches(part: dict[str, object]) -> None:
    modes = part.get("modes", (Mode(machine="M", duration=1),))
    operation = Operation(id="1", modes=modes)  # type: ignore[arg-type]
    job = Job(id="A", operations=(operation,), deadline=part.get("deadline"))  # type: ignore[arg-type]
    plain = {"machines": (Machine(id="M"),), "objective": minimise("makespan")}
    fields = plain | {key: value for key, value in part.items() if key in plain}
    problem = Problem(jobs=(job,), tools=(Tool(id="T"),), setup_matrices={"S": {}}, **fields)  # type: ignore[arg-type]
    assert shop_of(build_tables(problem)) is None
