"""A standing plan's answers: whatever is asked, the whole plan can still be carried out and frozen work stays."""

import random
from collections.abc import Callable
from itertools import product

import msgspec
import pytest
from fixtures.random_plants import random_plant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from woaas_solver_farm.checker import check, measure
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.engine.standing.answers import Answer
from woaas_solver_farm.engine.standing.hours import ALWAYS, FAR, Hours, common
from woaas_solver_farm.engine.standing.plan import Standing
from woaas_solver_farm.problem import Job, Limits, Machine, Mode, Operation, Operator, Predecessor, Problem, Tool
from woaas_solver_farm.result import Assignment

Key = tuple[str, str]
Where = tuple[str | None, int, int]


def places(standing: Standing) -> dict[Key, Where]:
    return {(a.job, a.operation): (a.machine, a.start, a.end) for a in standing.plan().result.assignments}


def require_valid(standing: Standing) -> None:
    plan = standing.plan()
    assert check(plan.problem, plan.result) == []
    assert measure(plan.problem, plan.result) == standing.metrics


def planned(problem: Problem) -> Standing:
    return Standing(problem, solve(problem, Limits(iterations=10, seed=1, workers=1)).assignments)


def questions(rng: random.Random, standing: Standing, n: int) -> tuple[str, Callable[[bool], Answer]]:
    kind = rng.choice(("insert", "rush", "rush", "move", "move", "close"))
    known = standing.plan().result.assignments
    if kind == "close":
        machine, start = f"M{rng.randrange(3)}", rng.randrange(40)
        end = start + rng.randrange(1, 15)
        return kind, lambda keep: standing.close(machine, start, end, keep=keep)
    if kind == "move" and known:
        a = rng.choice(known)
        modes = standing.shop.operations[standing.shop.number[a.job, a.operation]].modes
        to, start = rng.choice(modes).machine, rng.randrange(60)
        return kind, lambda keep: standing.move(a.job, a.operation, to, start, keep=keep)
    # The first job of another plant: it waits for nobody but itself.
    steps = tuple(msgspec.structs.replace(o, fixed=None) for o in random_plant(rng.randrange(2**32)).jobs[0].operations)
    due = rng.choice((None, rng.randrange(60)))
    job = Job(id=f"N{n}", release=rng.randrange(10), due=due, weight=rng.choice((1, 20)), operations=steps)
    return "rush" if kind == "rush" else "insert", lambda keep: standing.insert(job, rush=kind == "rush", keep=keep)


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_whatever_is_asked_the_plan_stays_valid(seed: int) -> None:
    rng = random.Random(seed)
    standing = planned(random_plant(seed))
    require_valid(standing)
    for n in range(4):
        before = places(standing)
        now = rng.choice((0, 0, rng.randrange(4)))
        standing.at(now, max(now, rng.choice((0, rng.randrange(30)))))
        kind, ask = questions(rng, standing, n)
        dry = ask(False)
        assert places(standing) == before, "a question changes nothing"
        kept = ask(True)
        assert kept == dry
        if kept.refusal is not None:
            assert places(standing) == before
            continue
        require_valid(standing)
        after = places(standing)
        told = {(m.job, m.operation) for m in kept.moved} | {(a.job, a.operation) for a in kept.places}
        assert {k for k in before if after.get(k) != before[k]} <= told
        frozen = {k for k, (_, start, _) in before.items() if start < standing.frozen_until}
        fixed = {k for k in before if standing.shop.operations[standing.shop.number[k]].fixed is not None}
        stays = fixed if kind == "close" else fixed | frozen
        assert {k for k in stays if after[k] != before[k]} == set()
        if kind == "insert":
            assert kept.moved == ()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_a_plan_is_read_as_it_was_written(seed: int) -> None:
    problem = random_plant(seed)
    result = solve(problem, Limits(iterations=10, seed=1, workers=1))
    standing = Standing(problem, result.assignments)
    assert places(standing) == {(a.job, a.operation): (a.machine, a.start, a.end) for a in result.assignments}
    assert standing.metrics == result.metrics


@given(
    windows=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=4),
    time=st.integers(-5, 50),
    work=st.integers(1, 12),
)
def test_working_time_is_counted_tick_by_tick(windows: list[tuple[int, int]], time: int, work: int) -> None:
    hours = Hours(_merged(windows))
    open_at = [t for start, end in hours.windows() for t in range(start, end)]
    later = [t for t in open_at if t >= time][:work]
    expected = (later[0], later[-1] + 1) if len(later) == work else (FAR, FAR)
    assert hours.forward(time, work) == expected
    earlier = [t for t in open_at if t < time][-work:]
    assert hours.back(time, work) == (earlier[0] if len(earlier) == work else -FAR)
    fits = [t for t in range(time, 70) if all(t + n in open_at for n in range(work))]
    assert hours.fit(time, work) == (fits[0] if fits else FAR)


def test_common_hours_are_the_intersection() -> None:
    one, other = Hours(((0, 10), (20, 30))), Hours(((5, 25),))
    assert common(one, other).windows() == ((5, 10), (20, 25))
    assert common(one, ALWAYS) is one


def _merged(windows: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    ticks = sorted({t for start, length in windows for t in range(start, start + length)})
    return tuple((t, t + 1) for t in ticks)


def lathe(*, due: int = 100, machines: tuple[str, ...] = ("A",), **more: object) -> Problem:
    """Two jobs of ten ticks, one after another on machine A."""
    jobs = tuple(
        Job(id=name, due=due, operations=(step(machines=machines), step("2", after="1", machines=("W",))))
        for name in ("J", "K")
    )
    return msgspec.convert(
        {"machines": [{"id": m} for m in ("A", "B", "W")], "jobs": msgspec.to_builtins(jobs), **more}, Problem
    )


def step(
    name: str = "1", *, after: str | None = None, machines: tuple[str, ...] = ("A",), length: int = 10
) -> Operation:
    modes = tuple(Mode(machine=m, duration=length) for m in machines)
    return Operation(id=name, modes=modes, predecessors=(after,) if after else ())


def standing_lathe(**options: object) -> Standing:
    told = [place("J", "1", "A", 0), place("J", "2", "W", 10), place("K", "1", "A", 10), place("K", "2", "W", 20)]
    return Standing(lathe(**options), told)  # type: ignore[arg-type]


def place(job: str, operation: str, machine: str, start: int) -> Assignment:
    return Assignment(
        job=job, operation=operation, machine=machine, operator=None, tools=(), setup_start=start, start=start,
        end=start + 10, outsourced=False,
    )  # fmt: skip


class TestInserting:
    def test_a_new_job_takes_the_first_gap(self) -> None:
        standing = standing_lathe()
        answer = standing.insert(Job(id="N", operations=(step(length=5),)))
        assert [(a.machine, a.start, a.end) for a in answer.places] == [("A", 20, 25)]
        assert (answer.moved, answer.jobs) == ((), ())
        assert answer.delta["makespan"] == 0

    def test_a_rush_in_time_pushes_nobody(self) -> None:
        answer = standing_lathe().insert(Job(id="N", due=60, weight=16, operations=(step(),)), rush=True)
        assert (answer.end, answer.moved) == (30, ())

    def test_a_late_rush_goes_in_front_and_says_who_moves(self) -> None:
        standing = standing_lathe(due=25)
        answer = standing.insert(Job(id="N", due=10, weight=16, operations=(step(),)), rush=True)
        assert answer.end == 10
        # A gap that is hardly later is better than pushing the next one too.
        moved = {(m.job, m.operation): m.after.start for m in answer.moved if m.after}
        assert moved == {("J", "1"): 20, ("J", "2"): 30}
        assert [(j.job, j.before, j.after, j.became_late) for j in answer.jobs] == [("J", 20, 40, True)]
        assert answer.delta["late_orders"] == 1
        assert answer.metrics is not None
        assert answer.metrics.total_tardiness == 20

    def test_a_rush_does_not_pay_others_more_than_it_saves(self) -> None:
        standing = standing_lathe(due=25)
        answer = standing.insert(Job(id="N", due=10, weight=0.01, operations=(step(),)), rush=True)
        assert (answer.end, answer.moved) == (30, ())

    def test_frozen_work_is_never_pushed(self) -> None:
        standing = standing_lathe(due=25)
        standing.at(0, 1)
        answer = standing.insert(Job(id="N", due=10, weight=16, operations=(step(),)), rush=True)
        assert answer.end == 20
        assert {(m.job, m.operation) for m in answer.moved} == {("K", "1"), ("K", "2")}

    def test_nobody_able_is_said(self) -> None:
        assert standing_lathe().insert(Job(id="N", operations=(Operation(id="1"),))).refusal == "no_capable_resource"

    def test_a_skill_asked_for_the_first_time_finds_who_was_taught(self) -> None:
        problem = msgspec.structs.replace(lathe(), operators=(Operator(id="P"),))
        standing = Standing(problem, [])
        mode = Mode(machine="B", duration=5, operator_skill="weld")
        job = Job(id="N", operations=(Operation(id="1", modes=(mode,)),))
        assert standing.insert(job).refusal == "no_room"
        standing.teach((Operator(id="P", skills=("weld",)),))
        assert standing.insert(job).places[0].operator == "P"

    def test_set_ups_before_and_after_a_gap_count(self) -> None:
        problem = Problem(
            machines=(Machine(id="A", setup_matrix="S", initial_setup_group="x"),),
            setup_matrices={"S": {"x": {"y": 3}, "y": {"x": 4}}},
            jobs=(
                Job(id="J", operations=(msgspec.structs.replace(step(), setup_group="x"),)),
                Job(id="K", operations=(msgspec.structs.replace(step(), setup_group="x"),)),
            ),
        )
        # Ten ticks between them: seven of set-ups leave three.
        told = [place("J", "1", "A", 0), place("K", "1", "A", 20)]
        for length, start in ((3, 13), (4, 33)):
            new = Job(id="N", operations=(msgspec.structs.replace(step(length=length), setup_group="y"),))
            standing = Standing(problem, told)
            assert [(a.setup_start, a.start) for a in standing.insert(new, keep=True).places] == [(start - 3, start)]
            require_valid(standing)


class TestMoving:
    def test_what_is_in_the_way_goes_to_the_right(self) -> None:
        answer = standing_lathe().move("K", "1", "A", 0)
        assert answer.refusal is None
        moved = {(m.job, m.operation): m.after.start for m in answer.moved if m.after}
        assert moved == {("J", "1"): 10, ("J", "2"): 30}

    def test_a_moved_operation_is_pinned_for_all_but_its_own_moves(self) -> None:
        standing = standing_lathe(due=25)
        standing.move("K", "1", "A", 30, keep=True)
        rush = Job(id="N", due=10, weight=1000, operations=(step(length=35),))
        answer = standing.insert(rush, rush=True)
        assert ("K", "1") not in {(m.job, m.operation) for m in answer.moved}
        assert standing.move("K", "1", "A", 40).refusal is None

    @pytest.mark.parametrize(
        ("operation", "machine", "start", "refusal"),
        [
            ("1", "W", 50, "wrong_machine"),
            ("2", "W", 12, "before_predecessor"),
            ("1", "A", 1, "in_frozen_window"),
            ("9", "A", 1, "unknown_operation"),
        ],
    )
    def test_why_not(self, operation: str, machine: str, start: int, refusal: str) -> None:
        standing = standing_lathe()
        standing.at(0, 5)
        assert standing.move("K", operation, machine, start).refusal == refusal
        assert standing.move("J", "1", "A", 50).refusal == "frozen"

    def test_people_tools_and_calendars_say_no(self) -> None:
        mode = Mode(machine="A", duration=10, operator_skill="run", tools=("T",))
        problem = Problem(
            machines=(Machine(id="A", calendar=((0, 40), (60, 90))), Machine(id="B")),
            operators=(Operator(id="P", skills=("run",), calendar=((0, 20), (60, 90))),),
            tools=(Tool(id="T", calendar=None),),
            jobs=(
                Job(id="J", operations=(Operation(id="1", modes=(mode,)),)),
                Job(
                    id="K",
                    operations=(
                        Operation(
                            id="1",
                            modes=(Mode(machine="B", duration=30, tools=("T",)),),
                            predecessors=(Predecessor(operation="1", job="J", min_lag=50),),
                        ),
                    ),
                ),
            ),
        )
        standing = Standing(problem, [place("J", "1", "A", 0)])
        assert standing.move("J", "1", "A", 35).refusal == "closed"
        assert standing.move("J", "1", "A", 25).refusal == "no_operator"
        assert standing.move("J", "1", "A", 5).refusal is None


class TestABreakdown:
    def test_other_machines_take_over(self) -> None:
        standing = standing_lathe(machines=("A", "B"))
        answer = standing.close("A", 5, 50, keep=True)
        assert {(m.job, m.operation): m.after.machine for m in answer.moved if m.after}["J", "1"] == "B"
        require_valid(standing)

    def test_without_another_machine_it_waits(self) -> None:
        standing = standing_lathe()
        answer = standing.close("A", 15, 50, keep=True)
        assert {(m.job, m.operation): m.after.start for m in answer.moved if m.after} == {
            ("K", "1"): 50,
            ("K", "2"): 60,
        }
        require_valid(standing)
        assert places(standing)["J", "1"] == ("A", 0, 10)


def test_time_that_has_passed_pushes_what_has_not_begun() -> None:
    told = [
        place(j, o, m, s - 5) for (j, o), (m, s) in zip(product("JK", "12"), (("A", 0), ("W", 10)) * 2, strict=True)
    ]
    standing = Standing(lathe(), told)
    require_valid(standing)
    assert min(start for _, start, _ in places(standing).values()) == 0
    assert len(places(standing)) == 4


def test_what_is_done_frees_its_place_and_is_not_late() -> None:
    standing = standing_lathe(due=15)
    late = standing.metrics.late_orders
    assert standing.drop("J", "1")
    assert standing.insert(Job(id="N", operations=(step(),))).places[0].start == 0
    assert standing.metrics.late_orders == late
    assert not standing.drop("J", "1")
