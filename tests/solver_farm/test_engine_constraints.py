"""Each constraint by itself: the best value derived by hand, found, proven and enumerated; without it another one."""

from typing import NamedTuple

import msgspec
import pytest
from fixtures.enumeration import Rules, optimum, spots

from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.objective import minimise
from woaas_solver_farm.problem import (
    METRICS,
    Fixed,
    Job,
    Limits,
    Machine,
    Metric,
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

LIMITS = Limits(iterations=400, seed=1)
UNTIL = 18


class Row(NamedTuple):
    """A plant with a constraint and the same plant without it, each with its best value."""

    name: str
    constrained: Problem
    best: float
    free: Problem
    best_free: float
    is_proven: bool = True


def mode(duration: int, machine: str = "M", **more: object) -> Mode:
    return msgspec.convert({"machine": machine, "duration": duration, **more}, Mode)


def job(
    name: str, *modes: Mode, due: int | None = None, deadline: int | None = None, weight: float = 1, **more: object
) -> Job:
    operation = Operation(id="1", modes=modes, **more)  # type: ignore[arg-type]
    return Job(id=name, due=due, deadline=deadline, weight=weight, operations=(operation,))


def plant(*jobs: Job, goal: Metric = "makespan", **parts: object) -> Problem:
    fields: dict[str, object] = {"machines": (Machine(id="M"),), "objective": minimise(goal)} | parts
    return Problem(jobs=jobs, **fields)  # type: ignore[arg-type]


def without_skills(problem: Problem) -> Problem:
    """The same plant, which needs nobody."""
    return _with_modes(problem, operator_skill=None, setup_skill=None)


def without_tools(problem: Problem) -> Problem:
    return _with_modes(problem, tools=())


def _with_modes(problem: Problem, **fields: object) -> Problem:
    replace = msgspec.structs.replace
    jobs = tuple(
        replace(
            j,
            operations=tuple(replace(o, modes=tuple(replace(m, **fields) for m in o.modes)) for o in j.operations),
        )
        for j in problem.jobs
    )
    return replace(problem, jobs=jobs)


TWO = (Machine(id="M"), Machine(id="N"))
MATRIX = {"S": {"A": {"B": 3}, "B": {"A": 2}}}
STATE = (Machine(id="M", setup_matrix="S", initial_setup_group="A"),)


def _flexible() -> Row:
    either = plant(job("1", mode(4), mode(4, "N")), job("2", mode(4), mode(4, "N")), machines=TWO)
    return Row("flexible machines", plant(job("1", mode(4)), job("2", mode(4)), machines=TWO), 8, either, 4)


def _skill() -> Row:
    people = (Operator(id="P", skills=("weld",)), Operator(id="Q", skills=("paint",)))
    welded = plant(
        job("1", mode(4, operator_skill="weld")),
        job("2", mode(4, "N", operator_skill="weld")),
        machines=TWO,
        operators=people,
    )
    return Row("operators by skill", welded, 8, without_skills(welded), 4)


def _shift() -> Row:
    people = (Operator(id="P", skills=("weld",), calendar=((5, 9), (11, 18))),)
    welded = plant(job("1", mode(5, operator_skill="weld")), operators=people)
    return Row("operators by shift", welded, 16, without_skills(welded), 5)


def _unbroken() -> Row:
    broken = plant(job("1", mode(5)), machines=(Machine(id="M", calendar=((0, 4), (6, 12))),))
    return Row("a calendar, unbroken work", broken, 11, plant(job("1", mode(5))), 5)


def _resumable() -> Row:
    machines = (Machine(id="M", calendar=((0, 4), (6, 12))),)
    resumed = plant(job("1", mode(5), resumable=True), machines=machines)
    # 4 before the break, 1 after it; what may not be broken begins after it.
    return Row("a calendar, resumable work", resumed, 7, plant(job("1", mode(5)), machines=machines), 11)


def _resumable_with_person() -> Row:
    """Work goes on only while machine and person are both there: 2 in [2, 4), then [6, 7)."""
    machines = (Machine(id="M", calendar=((0, 4), (6, 12))),)
    people = (Operator(id="P", skills=("weld",), calendar=((2, 9),)),)
    resumed = plant(job("1", mode(3, operator_skill="weld"), resumable=True), machines=machines, operators=people)
    return Row("resumable work with a shift", resumed, 7, without_skills(resumed), 3, is_proven=False)


def _setups() -> Row:
    jobs = (job("1", mode(2), setup_group="A"), job("2", mode(2), setup_group="B"), job("3", mode(2), setup_group="A"))
    changing = plant(*jobs, machines=(Machine(id="M", setup_matrix="S"),), setup_matrices=MATRIX)
    # B, A, A with one change of 2 beats A, A, B with one of 3.
    return Row("sequence-dependent set-up", changing, 8, plant(*jobs), 6)


def _state() -> Row:
    jobs = (job("1", mode(2), setup_group="B"),)
    unknown = plant(*jobs, machines=(Machine(id="M", setup_matrix="S"),), setup_matrices=MATRIX)
    return Row("the machine's first state", plant(*jobs, machines=STATE, setup_matrices=MATRIX), 5, unknown, 2)


def _own_setup() -> Row:
    return Row("a mode's own set-up", plant(job("1", mode(2, setup=4))), 6, plant(job("1", mode(2))), 2)


def _setup_person() -> Row:
    machines = tuple(Machine(id=m, setup_matrix="S", initial_setup_group="A") for m in "MN")
    jobs = (
        job("1", mode(5, setup_skill="set"), setup_group="B"),
        job("2", mode(5, "N", setup_skill="set"), setup_group="B"),
    )
    people = (Operator(id="P", skills=("set",)),)
    set_up = plant(*jobs, machines=machines, setup_matrices=MATRIX, operators=people)
    # One is set up in [0, 3), the other in [3, 6). The model knows no set-up people, so this is no proof.
    return Row("a person for the set-up", set_up, 11, without_skills(set_up), 8, is_proven=False)


def _setup_shift() -> Row:
    people = (Operator(id="P", skills=("set",), calendar=((4, 18),)),)
    jobs = (job("1", mode(2, setup_skill="set"), setup_group="B"),)
    set_up = plant(*jobs, machines=STATE, setup_matrices=MATRIX, operators=people)
    return Row("the set-up person's shift", set_up, 9, without_skills(set_up), 5, is_proven=False)


def _run_without_setup_person() -> Row:
    """Who runs need not be able to set up where nothing is set up; with a set-up before it, he must."""
    people = (Operator(id="P", skills=("run",)), Operator(id="Q", skills=("run", "set"), calendar=((6, 18),)))
    jobs = (job("1", mode(2, operator_skill="run", setup_skill="set"), setup_group="B"),)
    set_up = plant(*jobs, machines=STATE, setup_matrices=MATRIX, operators=people)
    is_set_up = plant(*jobs, setup_matrices=MATRIX, operators=people)
    # Q comes at 6, sets up for 3 and runs for 2; P alone runs at once.
    return Row("a set-up skill only where there is set-up", set_up, 11, is_set_up, 2, is_proven=False)


def _setup_calendar() -> Row:
    jobs = (job("1", mode(2), setup_group="B"),)
    closed = (Machine(id="M", calendar=((0, 2), (6, 18)), setup_matrix="S", initial_setup_group="A"),)
    # Two ticks of set-up before the break, one after it.
    with_break = plant(*jobs, machines=closed, setup_matrices=MATRIX)
    return Row(
        "set-up in working time", with_break, 9, plant(*jobs, machines=STATE, setup_matrices=MATRIX), 5, is_proven=False
    )


def _tool_count() -> Row:
    jobs = tuple(job(m, mode(4, m, tools=["T"])) for m in "MN")
    one_piece = plant(*jobs, machines=TWO, tools=(Tool(id="T"),))
    return Row("a mould's count", one_piece, 8, msgspec.structs.replace(one_piece, tools=(Tool(id="T", count=2),)), 4)


def _two_pieces() -> Row:
    jobs = (job("1", mode(4, tools=["T", "T"])), job("2", mode(4, "N", tools=["T"])))
    two = plant(*jobs, machines=TWO, tools=(Tool(id="T", count=2),))
    return Row("a mould needed twice", two, 8, without_tools(two), 4)


def _tool_calendar() -> Row:
    moulded = plant(job("1", mode(4, tools=["T"])), tools=(Tool(id="T", calendar=((6, 18),)),))
    return Row("a mould's calendar", moulded, 10, without_tools(moulded), 4)


def _material() -> Row:
    return Row("a material date", plant(job("1", mode(2), release=7)), 9, plant(job("1", mode(2))), 2)


def _due() -> Row:
    jobs = (job("1", mode(4), due=0, weight=1), job("2", mode(2), due=2, weight=3))
    # 2 before 1: 0 + 6; 1 before 2: 4 + 3 * 4.
    no_dates = plant(*(msgspec.structs.replace(j, due=None) for j in jobs), goal="weighted_tardiness")
    return Row("due dates", plant(*jobs, goal="weighted_tardiness"), 6, no_dates, 0)


def _deadline() -> Row:
    jobs = (job("1", mode(5), deadline=5, weight=0), job("2", mode(1), due=0, weight=100))
    wished = plant(msgspec.structs.replace(jobs[0], deadline=None), jobs[1], goal="weighted_tardiness")
    return Row("deadlines", plant(*jobs, goal="weighted_tardiness"), 600, wished, 100)


def _lag() -> Row:
    def chain(lag: int) -> Problem:
        link = Predecessor(operation="1", min_lag=lag)
        steps = (Operation(id="1", modes=(mode(2),)), Operation(id="2", modes=(mode(3),), predecessors=(link,)))
        return plant(Job(id="J", operations=steps))

    return Row("a lag after the predecessor", chain(6), 11, chain(0), 5)


def _pinned() -> Row:
    pinned = job("1", mode(5), fixed=Fixed(machine="M", start=3, end=8))
    others = (job("2", mode(3)), job("3", mode(4)))
    # Only the one of 3 fits before it: 8 + 4. Given places leave no proof.
    return Row("a pinned place", plant(pinned, *others), 12, plant(job("1", mode(4)), *others), 11, is_proven=False)


def _running() -> Row:
    running = job("1", mode(9), fixed=Fixed(machine="M", start=-5, end=4))
    return Row(
        "what runs already",
        plant(running, job("2", mode(3))),
        7,
        plant(job("1", mode(9)), job("2", mode(3))),
        12,
        False,
    )


def _frozen_person() -> Row:
    people = (Operator(id="P", skills=("weld",)),)
    frozen = job("1", mode(4, operator_skill="weld"), fixed=Fixed(machine="M", operator="P", start=1, end=6))
    welded = plant(frozen, job("2", mode(4, "N", operator_skill="weld")), machines=TWO, operators=people)
    return Row("a frozen place holds its person", welded, 10, without_skills(welded), 6, is_proven=False)


OUTSIDE = Objective(terms=(Term(metric="weighted_tardiness"), Term(metric="outsourcing_cost")))


def _outsourcing() -> Row:
    def orders(offer: Outsource | None) -> Problem:
        jobs = (job(n, mode(4), due=4, outsource=offer) for n in "12")
        return plant(*jobs, objective=OUTSIDE)

    # Four late, or one outside for 3; in time.
    return Row("work done outside", orders(Outsource(cost=3, lead_time=4)), 3, orders(None), 4)


def _lead_time() -> Row:
    def orders(lead_time: int) -> Problem:
        return plant(
            *(job(n, mode(4), due=4, outsource=Outsource(cost=1, lead_time=lead_time)) for n in "12"), objective=OUTSIDE
        )

    # Two ticks late and a price of 1, against in time for 1.
    return Row("the lead time outside", orders(6), 3, orders(4), 1)


def _stability() -> Row:
    terms = (Term(metric="changes", weight=10), Term(metric="makespan"))
    published = (
        Place(job="1", operation="1", machine="M", start=7),
        Place(job="2", operation="1", machine="M", start=0),
    )
    planned = plant(job("1", mode(5)), job("2", mode(5)), objective=Objective(terms=terms), baseline=published)
    return Row("stability against the published plan", planned, 12, msgspec.structs.replace(planned, baseline=()), 10)


ROWS = [
    build()
    for build in (
        _flexible,
        _skill,
        _shift,
        _unbroken,
        _resumable,
        _resumable_with_person,
        _setups,
        _state,
        _own_setup,
        _setup_person,
        _setup_shift,
        _run_without_setup_person,
        _setup_calendar,
        _tool_count,
        _two_pieces,
        _tool_calendar,
        _material,
        _due,
        _deadline,
        _lag,
        _pinned,
        _running,
        _frozen_person,
        _outsourcing,
        _lead_time,
        _stability,
    )
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_best_value_is_found_and_another_without_the_constraint(row: Row) -> None:
    assert row.best != row.best_free
    for problem, best in ((row.constrained, row.best), (row.free, row.best_free)):
        result = solve(problem, LIMITS)
        assert (result.accepted, result.overflow, result.objective) == (True, (), best)
        assert optimum(problem, UNTIL) == (best,)
        assert Rules(problem).are_kept(spots(result.assignments))
    if row.is_proven:
        assert solve(row.constrained, LIMITS).status == "optimal"


def _every_goal(objective: Objective) -> Problem:
    """Either B goes outside, late by 2, or it goes first and A waits for two changes; every figure tells them apart."""
    jobs = (
        job("A", mode(3, setup=1), due=3, setup_group="A"),
        job("B", mode(2), due=2, deadline=4, weight=3, setup_group="B", outsource=Outsource(cost=5, lead_time=4)),
        job("C", outsource=Outsource(cost=2, lead_time=1)),
    )
    baseline = tuple(Place(job=n, operation="1", machine="M", start=1) for n in "AB")
    matrix = {"S": {"A": {"B": 1}, "B": {"A": 2}}}
    return plant(*jobs, machines=STATE, setup_matrices=matrix, baseline=baseline, objective=objective)


# A in [1, 4) and B outside until 4: 1 + 3 * 2 weighted, 3 in all, 4, set-up 1, flow 4 + 4 + 1, one change, 5 + 2 paid.
# B in [1, 3), then three ticks of set-up and A in [6, 9): 3 + 6 weighted, 7, 9, set-up 4, flow 13, one change, 2 paid.
EVERY_BEST: dict[Metric, float] = {
    "weighted_tardiness": 7,
    "total_tardiness": 3,
    "late_orders": 2,
    "makespan": 4,
    "setup_time": 1,
    "flow_time": 9,
    "changes": 1,
    "outsourcing_cost": 2,
}


@pytest.mark.parametrize("metric", METRICS)
def test_each_goal_has_its_best_plan(metric: Metric) -> None:
    problem = _every_goal(minimise(metric))
    result = solve(problem, LIMITS)
    assert (result.accepted, result.objective) == (True, EVERY_BEST[metric])
    assert optimum(problem, UNTIL) == (EVERY_BEST[metric],)
    assert getattr(result.metrics, metric) == EVERY_BEST[metric]


@pytest.mark.parametrize(("late", "best"), [(1, 9 + 2), (5, 5 * 7 + 7), (0.5, 0.5 * 9 + 2)])
def test_weights_decide_between_goals(late: float, best: float) -> None:
    terms = (Term(metric="weighted_tardiness", weight=late), Term(metric="outsourcing_cost"))
    problem = _every_goal(Objective(terms=terms))
    assert solve(problem, LIMITS).objective == best
    assert optimum(problem, UNTIL) == (best,)


@pytest.mark.parametrize(
    ("first", "second", "best"),
    [
        ("weighted_tardiness", "outsourcing_cost", (7, 7)),
        ("outsourcing_cost", "weighted_tardiness", (2, 9)),
        ("changes", "flow_time", (1, 9)),
        ("late_orders", "setup_time", (2, 1)),
    ],
)
def test_goals_one_after_another(first: Metric, second: Metric, best: tuple[float, float]) -> None:
    objective = Objective(mode="lexicographic", terms=(Term(metric=first), Term(metric=second)))
    problem = _every_goal(objective)
    result = solve(problem, LIMITS)
    assert (getattr(result.metrics, first), getattr(result.metrics, second)) == best == optimum(problem, UNTIL)


class TestWarmStart:
    JOBS = tuple(job(n, mode(d), due=t, weight=w) for n, d, t, w in (("1", 5, 12, 4), ("2", 4, 5, 1), ("3", 3, 7, 2)))
    PLAN = tuple(Place(job=n, operation="1", machine="M", start=s) for n, s in (("2", 0), ("3", 4), ("1", 7)))

    def test_a_given_plan_is_where_the_search_begins(self) -> None:
        problem = plant(*self.JOBS, goal="weighted_tardiness", warm_start=self.PLAN)
        assert solve(problem, Limits(iterations=0)).objective == 0
        assert optimum(problem, UNTIL) == (0,)

    @pytest.mark.parametrize("field", ["warm_start", "baseline"])
    def test_an_earlier_plan_does_not_hold_the_search_back(self, field: str) -> None:
        """What stood late without a reason is brought forward; nobody asked to keep it there."""
        late = tuple(msgspec.structs.replace(place, start=place.start + 6) for place in self.PLAN)
        problem = plant(*self.JOBS, goal="flow_time", **{field: late})
        # The shortest first: 3, 7, 12.
        assert solve(problem, Limits(iterations=400, seed=1)).objective == 22
