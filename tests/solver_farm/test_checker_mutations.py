"""Accepted plans broken in every way a plan can be wrong, and the checker beside rules written a second time."""

import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest
from fixtures.enumeration import OUTSIDE, Key, Plan, Rules, Spot, spots
from fixtures.random_plants import random_plant
from fixtures.tiny_plants import tiny_plant

from woaas_solver_farm.checker import check, measure
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.objective import objective_of, value
from woaas_solver_farm.problem import Limits, Mode, Problem
from woaas_solver_farm.result import Assignment, Metrics, Result, Unplaced

LIMITS = Limits(iterations=20, seed=1)
SEEDS = 90


def remeasured(problem: Problem, result: Result, assignments: tuple[Assignment, ...]) -> Result:
    """The result with other places and honest figures."""
    moved = msgspec.structs.replace(result, assignments=assignments, bound=None)
    metrics = measure(problem, moved)
    return msgspec.structs.replace(moved, metrics=metrics, objective=value(objective_of(problem), metrics))


class Case:
    """An accepted plan of a random plant, and what mutations need to know about it."""

    def __init__(self, seed: int) -> None:
        self.problem = random_plant(seed)
        self.result = solve(self.problem, LIMITS)
        assert check(self.problem, self.result) == []
        self.rules = Rules(self.problem)
        self.rng = random.Random(seed)
        self.plan = spots(self.result.assignments)
        self.places = {(a.job, a.operation): a for a in self.result.assignments}
        self.free = [key for key in self.plan if self.rules.operations[key].fixed is None]
        self.inside = [key for key in self.free if self.plan[key].mode != OUTSIDE]
        self.given = [key for key in self.plan if key not in self.free]
        needed = self.rules.setups({key: spot for key, spot in self.plan.items() if spot.mode != OUTSIDE})
        self.setups = {key: needed[key] for key in self.inside if needed[key]}

    def changed(self, key: Key, **fields: object) -> Result:
        """The result with one place changed."""
        places = self.places | {key: msgspec.structs.replace(self.places[key], **fields)}
        return remeasured(self.problem, self.result, tuple(places.values()))

    def moved(self, key: Key, start: int) -> Result:
        """The result with one operation begun elsewhere, its set-up and length kept."""
        spot = self.plan[key]
        by = start - spot.start
        return self.changed(key, setup_start=spot.setup_start + by, start=start, end=spot.end + by)

    def one(self, keys: list[Key], fits: Callable[[Key], bool] = lambda _: True) -> Key | None:
        """Some operation that fits, or none."""
        found = [key for key in keys if fits(key)]
        return self.rng.choice(found) if found else None

    def mode(self, key: Key) -> Mode:
        return self.rules.operations[key].modes[self.plan[key].mode]


Mutation = Callable[[Case], Result | None]
MUTATIONS: list[tuple[str, str, Mutation]] = []


def breaks(rule: str) -> Callable[[Mutation], Mutation]:
    """Register a mutation with the rule the checker must name."""

    def register(mutation: Mutation) -> Mutation:
        MUTATIONS.append((rule, mutation.__name__, mutation))
        return mutation

    return register


def lasts(case: Case) -> Callable[[Key], bool]:
    return lambda key: case.plan[key].end > case.plan[key].start


@breaks("machine_overlap")
def two_on_one_machine(case: Case) -> Result | None:
    key = case.one(case.inside, lasts(case))
    for other in case.inside:
        if key and other != key and case.places[other].machine == case.places[key].machine and lasts(case)(other):
            return case.moved(key, case.plan[other].start)
    return None


@breaks("machine_overlap")
def on_a_given_place(case: Case) -> Result | None:
    for key in case.given:
        other = case.one(case.inside, lambda o, key=key: case.places[o].machine == case.places[key].machine)
        if other is not None and lasts(case)(other) and case.plan[key].end > max(1, case.plan[key].start + 1):
            return case.moved(other, case.plan[key].end - 1)
    return None


@breaks("operator_overlap")
def two_with_one_person(case: Case) -> Result | None:
    manned = [key for key in case.inside if case.mode(key).operator_skill and lasts(case)(key)]
    for key in manned:
        for other in manned:
            if other != key and case.places[other].operator == case.places[key].operator:
                return case.moved(other, case.plan[key].start)
    return None


@breaks("tool_count")
def more_tools_than_there_are(case: Case) -> Result | None:
    tooled = [key for key in case.inside if "T0" in case.places[key].tools and lasts(case)(key)]
    return case.moved(tooled[0], case.plan[tooled[1]].start) if len(tooled) > 1 else None


@breaks("operator_skill")
def nobody(case: Case) -> Result | None:
    key = case.one(case.inside, lambda key: case.mode(key).operator_skill is not None)
    return case.changed(key, operator=None) if key else None


@breaks("operator_skill")
def somebody_unskilled(case: Case) -> Result | None:
    for key in case.inside:
        for operator in case.problem.operators:
            skill = case.mode(key).operator_skill
            if skill is not None and skill not in operator.skills:
                return case.changed(key, operator=operator.id)
    return None


@breaks("operator_skill")
def somebody_unknown(case: Case) -> Result | None:
    key = case.one(case.inside)
    return case.changed(key, operator="nobody here") if key else None


@breaks("calendar")
def outside_working_time(case: Case) -> Result | None:
    for key in case.inside:
        machine = case.rules.machines[case.places[key].machine or ""]
        if machine.calendar is not None and lasts(case)(key):
            return case.moved(key, machine.calendar[-1][1] + 50)
    return None


@breaks("calendar")
def not_resumable_over_a_break(case: Case) -> Result | None:
    for key in case.inside:
        calendar = case.rules.machines[case.places[key].machine or ""].calendar
        if calendar is None or case.rules.operations[key].resumable:
            continue
        for (_, end), (start, _) in pairwise(calendar):
            if case.plan[key].end - case.plan[key].start > 1 and start > end:
                return case.moved(key, end - 1)
    return None


@breaks("duration")
def too_short(case: Case) -> Result | None:
    key = case.one(case.inside, lasts(case))
    return case.changed(key, end=case.plan[key].end - 1) if key else None


@breaks("duration")
def too_long(case: Case) -> Result | None:
    key = case.one(case.inside, lambda key: not case.rules.operations[key].resumable)
    return case.changed(key, end=case.plan[key].end + 1) if key else None


@breaks("duration")
def split_by_a_break(case: Case) -> Result | None:
    """Unbroken work carried on after a break, as only resumable work may be."""
    for key in case.inside:
        calendar = case.rules.machines[case.places[key].machine or ""].calendar
        length = case.plan[key].end - case.plan[key].start
        if calendar is None or case.rules.operations[key].resumable or length < 2:
            continue
        for (_, end), (start, _) in pairwise(calendar):
            if start > end:
                return case.changed(key, setup_start=end - 1, start=end - 1, end=start + length - 1)
    return None


@breaks("setup")
def no_set_up(case: Case) -> Result | None:
    key = case.one(list(case.setups))
    return case.changed(key, setup_start=case.plan[key].start) if key else None


@breaks("setup")
def set_up_too_short(case: Case) -> Result | None:
    key = case.one(list(case.setups))
    return case.changed(key, setup_start=case.plan[key].setup_start + 1) if key else None


@breaks("setup_skill")
def set_up_by_nobody(case: Case) -> Result | None:
    key = case.one(list(case.setups), lambda key: case.mode(key).setup_skill is not None)
    return case.changed(key, operator=None) if key else None


@breaks("release")
def before_its_release(case: Case) -> Result | None:
    for key in case.free:
        released = max(case.rules.jobs[key[0]].release, case.rules.operations[key].release)
        if released:
            return case.moved(key, released - 1)
    return None


@breaks("release")
def set_up_before_there_was_a_plan(case: Case) -> Result | None:
    key = case.one(case.inside)
    return case.changed(key, setup_start=-1) if key else None


@breaks("precedence")
def before_its_predecessor_and_lag(case: Case) -> Result | None:
    for before, after, lag in case.rules.links:
        if before in case.plan and after in case.free:
            return case.moved(after, case.plan[before].end + lag - 1)
    return None


@breaks("deadline")
def after_its_deadline(case: Case) -> Result | None:
    for key in case.free:
        deadline = case.rules.jobs[key[0]].deadline
        if deadline is not None and lasts(case)(key):
            return case.moved(key, deadline)
    return None


@breaks("fixed")
def a_given_place_moved(case: Case) -> Result | None:
    key = case.one(case.given)
    return case.moved(key, case.plan[key].start + case.rng.choice((-1, 1))) if key else None


@breaks("fixed")
def a_given_place_given_away(case: Case) -> Result | None:
    key = case.one(case.given)
    return case.changed(key, outsourced=True) if key else None


@breaks("fixed")
def a_given_place_with_another_person(case: Case) -> Result | None:
    key = case.one(case.given)
    return case.changed(key, operator="nobody here") if key else None


@breaks("tool")
def without_its_tools(case: Case) -> Result | None:
    key = case.one([*case.inside, *case.given], lambda key: bool(case.places[key].tools))
    if key is None or any(
        not m.tools and m.machine == case.places[key].machine for m in case.rules.operations[key].modes
    ):
        return None
    return case.changed(key, tools=())


@breaks("tool")
def with_a_tool_too_many(case: Case) -> Result | None:
    key = case.one(case.inside)
    return case.changed(key, tools=(*case.places[key].tools, "T0")) if key else None


@breaks("machine")
def on_a_machine_that_cannot(case: Case) -> Result | None:
    key = case.one(case.inside)
    return case.changed(key, machine="M9") if key else None


@breaks("machine")
def in_a_mode_there_is_not(case: Case) -> Result | None:
    key = case.one(case.inside)
    return case.changed(key, mode=99) if key else None


@breaks("machine")
def in_the_mode_of_another_machine(case: Case) -> Result | None:
    for key in case.inside:
        for i, mode in enumerate(case.rules.operations[key].modes):
            if mode.machine != case.places[key].machine:
                return case.changed(key, mode=i)
    return None


@breaks("outsource")
def outside_though_not_offered(case: Case) -> Result | None:
    key = case.one(case.inside, lambda key: case.rules.operations[key].outsource is None)
    return case.changed(key, outsourced=True, machine=None, operator=None, tools=(), mode=None) if key else None


@breaks("outsource")
def outside_sooner_than_offered(case: Case) -> Result | None:
    key = case.one(case.free, lambda key: case.plan[key].mode == OUTSIDE and lasts(case)(key))
    return case.changed(key, end=case.plan[key].end - 1) if key else None


@breaks("outsource")
def outside_and_yet_on_a_machine(case: Case) -> Result | None:
    key = case.one(case.free, lambda key: case.plan[key].mode == OUTSIDE)
    return case.changed(key, machine="M0") if key else None


@breaks("times")
def ended_before_it_began(case: Case) -> Result | None:
    key = case.one(case.inside, lasts(case))
    return case.changed(key, start=case.plan[key].end, end=case.plan[key].start) if key else None


@breaks("missing")
def forgotten(case: Case) -> Result | None:
    key = case.one(case.free)
    rest = tuple(a for a in case.result.assignments if (a.job, a.operation) != key)
    return remeasured(case.problem, case.result, rest) if key else None


@breaks("missing")
def a_given_place_in_overflow(case: Case) -> Result | None:
    key = case.one(case.given)
    if key is None:
        return None
    gap = Unplaced(job=key[0], operation=key[1], reason="no_room")
    rest = tuple(a for a in case.result.assignments if (a.job, a.operation) != key)
    less = msgspec.structs.replace(case.result, overflow=(*case.result.overflow, gap), status="unknown")
    return remeasured(case.problem, less, rest)


@breaks("placed_twice")
def done_twice(case: Case) -> Result | None:
    key = case.one(case.free)
    return remeasured(case.problem, case.result, (*case.result.assignments, case.places[key])) if key else None


@breaks("placed_twice")
def placed_and_in_overflow(case: Case) -> Result | None:
    key = case.one(case.free)
    gap = key and Unplaced(job=key[0], operation=key[1], reason="no_room")
    return msgspec.structs.replace(case.result, overflow=(*case.result.overflow, gap)) if gap else None


@breaks("unknown_operation")
def an_operation_there_is_not(case: Case) -> Result | None:
    key = case.one(case.free)
    if key is None:
        return None
    stranger = msgspec.structs.replace(case.places[key], operation="99")
    return remeasured(case.problem, case.result, (*case.result.assignments, stranger))


@breaks("unknown_operation")
def overflow_of_nothing(case: Case) -> Result | None:
    gap = Unplaced(job="J0", operation="99", reason="no_room")
    return msgspec.structs.replace(case.result, overflow=(*case.result.overflow, gap))


@breaks("metrics")
def a_figure_told_wrong(case: Case) -> Result | None:
    name = case.rng.choice(Metrics.__struct_fields__)
    wrong = msgspec.structs.replace(case.result.metrics, **{name: getattr(case.result.metrics, name) + 1})
    return msgspec.structs.replace(case.result, metrics=wrong)


@breaks("objective")
def a_better_value_told(case: Case) -> Result | None:
    told = case.result.objective
    return None if told is None else msgspec.structs.replace(case.result, objective=told - 1)


@breaks("bound")
def a_bound_above_the_plan(case: Case) -> Result | None:
    told = case.result.objective
    return None if told is None else msgspec.structs.replace(case.result, bound=told + 1)


@breaks("status")
def whole_in_spite_of_overflow(case: Case) -> Result | None:
    return msgspec.structs.replace(case.result, status="optimal") if case.result.overflow else None


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
