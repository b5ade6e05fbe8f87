"""Small problems whose best plan is known by hand, one family of constraints each."""

from collections.abc import Iterable

import pytest

from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.objective import PRESETS, minimise
from woaas_solver_farm.problem import (
    Calendar,
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
from woaas_solver_farm.result import Assignment, Incumbent, Result

LIMITS = Limits(iterations=400, seed=1)


def mode(
    duration: int, machine: str = "M", *, setup: int = 0, run_by: str | None = None, set_by: str | None = None
) -> Mode:
    return Mode(machine=machine, duration=duration, setup=setup, operator_skill=run_by, setup_skill=set_by)


def one(
    name: str, *modes: Mode, due: int | None = None, weight: float = 1, group: str | None = None, **operation: object
) -> Job:
    return Job(
        id=name,
        due=due,
        weight=weight,
        operations=(Operation(id="1", modes=modes, setup_group=group, **operation),),  # type: ignore[arg-type]
    )


def plant(jobs: Iterable[Job], *, goal: Metric = "makespan", **parts: object) -> Problem:
    fields: dict[str, object] = {"machines": (Machine(id="M"),), "objective": minimise(goal)} | parts
    return Problem(jobs=tuple(jobs), **fields)  # type: ignore[arg-type]


def best(problem: Problem) -> Result:
    result = solve(problem, LIMITS)
    assert result.checked
    return result


def places(result: Result) -> dict[str, Assignment]:
    return {f"{a.job}{a.operation}": a for a in result.assignments}


def test_two_machines_share_the_work() -> None:
    machines = (Machine(id="M"), Machine(id="N"))
    jobs = [one(name, mode(d), mode(d + 1, "N")) for name, d in (("A", 5), ("B", 4), ("C", 3), ("D", 2))]
    result = best(plant(jobs, machines=machines))
    assert (result.status, result.objective, result.bound) == ("optimal", 8, 8)


def test_a_job_shop_of_two_by_two() -> None:
    def job(name: str, *steps: tuple[str, int]) -> Job:
        return Job(
            id=name,
            operations=tuple(
                Operation(id=str(i), modes=(mode(d, m),), predecessors=(str(i - 1),) if i else ())
                for i, (m, d) in enumerate(steps)
            ),
        )

    jobs = [job("A", ("M", 3), ("N", 2)), job("B", ("N", 2), ("M", 4))]
    result = best(plant(jobs, machines=(Machine(id="M"), Machine(id="N"))))
    assert (result.status, result.objective) == ("optimal", 7)


def test_weighted_tardiness_follows_weight_over_duration() -> None:
    jobs = [one("A", mode(4), due=0, weight=1), one("B", mode(2), due=0, weight=3), one("C", mode(3), due=0, weight=2)]
    result = best(plant(jobs, goal="weighted_tardiness"))
    assert (result.status, result.objective) == ("optimal", 3 * 2 + 2 * 5 + 1 * 9)


def test_release_and_lag_hold_a_start_back() -> None:
    operations = (
        Operation(id="1", modes=(mode(2),), release=3),
        Operation(id="2", modes=(mode(2),), predecessors=(Predecessor(operation="1", min_lag=10),)),
    )
    result = best(plant([Job(id="A", operations=operations)]))
    assert (result.status, result.objective) == ("optimal", 17)


def test_an_operation_may_wait_for_another_job_s() -> None:
    follower = Job(
        id="B",
        operations=(Operation(id="1", modes=(mode(1, "N"),), predecessors=(Predecessor(operation="1", job="A"),)),),
    )
    result = best(plant([one("A", mode(5)), follower], machines=(Machine(id="M"), Machine(id="N"))))
    assert result.objective == 6


class TestCalendars:
    MACHINES = (Machine(id="M", calendar=((0, 10), (20, 30), (40, 50))),)

    def test_unbroken_work_fits_in_one_window(self) -> None:
        result = best(plant([one("A", mode(7)), one("B", mode(6)), one("C", mode(4))], machines=self.MACHINES))
        assert (result.status, result.objective) == ("optimal", 27)

    def test_resumable_work_stretches_over_the_break(self) -> None:
        result = best(plant([one("A", mode(15), resumable=True)], machines=self.MACHINES))
        assert (result.objective, places(result)["A1"].start) == (25, 0)

    def test_windows_that_touch_are_one(self) -> None:
        touching: Calendar = ((0, 5), (5, 10))
        result = best(plant([one("A", mode(8))], machines=(Machine(id="M", calendar=touching),)))
        assert result.objective == 8

    def test_work_longer_than_any_window_has_no_place(self) -> None:
        result = best(plant([one("A", mode(11)), one("B", mode(3))], machines=self.MACHINES))
        assert result.status == "infeasible"
        assert [(gap.job, gap.reason) for gap in result.overflow] == [("A", "no_room")]
        assert places(result)["B1"].end == 3


MATRIX = {"S": {"A": {"B": 10, "C": 1}, "B": {"A": 1, "C": 10}, "C": {"A": 10, "B": 1}}}


class TestSetups:
    def parts(self, initial: str | None) -> dict[str, object]:
        machines = (Machine(id="M", setup_matrix="S", initial_setup_group=initial),)
        return {"machines": machines, "setup_matrices": MATRIX}

    def test_the_sequence_with_least_set_up_is_found(self) -> None:
        jobs = [one(f"{g}{i}", mode(1), group=g) for g in "ABC" for i in range(2)]
        result = best(plant(jobs, goal="setup_time", **self.parts(None)))
        assert (result.status, result.objective) == ("optimal", 2)

    def test_the_machine_s_first_state_counts(self) -> None:
        jobs = [one(g, mode(1), group=g) for g in "ABC"]
        result = best(plant(jobs, **self.parts("B")))
        # From B: B, A and C at 0 + 1 + 1 set-up.
        assert (result.status, result.objective, result.metrics.setup_time) == ("optimal", 5, 2)

    def test_a_mode_s_own_set_up_is_added(self) -> None:
        result = best(plant([one("A", mode(5, setup=3), group="C")], **self.parts("A")))
        assert (result.objective, result.metrics.setup_time) == (9, 4)

    def test_the_state_survives_an_operation_without_a_group(self) -> None:
        jobs = [one("A", mode(1), group="A"), one("X", mode(1), release=1), one("B", mode(1), group="B", release=2)]
        assert best(plant(jobs, **self.parts("A"))).metrics.setup_time == 10

    def test_set_up_work_is_spread_over_a_break(self) -> None:
        parts = self.parts("A") | {
            "machines": (Machine(id="M", calendar=((0, 4), (10, 30)), setup_matrix="S", initial_setup_group="A"),)
        }
        placed = places(best(plant([one("B", mode(5), group="B")], **parts)))["B1"]
        assert (placed.setup_start, placed.start, placed.end) == (0, 16, 21)


class TestOperators:
    def test_two_machines_wait_for_one_person(self) -> None:
        jobs = [one("A", mode(4, run_by="weld")), one("B", mode(4, "N", run_by="weld"))]
        operators = (Operator(id="P", skills=("weld",)), Operator(id="Q", skills=("paint",)))
        result = best(plant(jobs, machines=(Machine(id="M"), Machine(id="N")), operators=operators))
        assert (result.status, result.objective) == ("optimal", 8)
        assert {a.operator for a in result.assignments} == {"P"}

    def test_a_shift_is_kept(self) -> None:
        operators = (Operator(id="P", skills=("weld",), calendar=((8, 16), (32, 40))),)
        result = best(plant([one("A", mode(5, run_by="weld")), one("B", mode(4, run_by="weld"))], operators=operators))
        assert (result.status, result.objective) == ("optimal", 36)

    def test_the_versatile_stay_free(self) -> None:
        jobs = [one("A", mode(4, run_by="weld")), one("B", mode(4, "N", run_by="paint"))]
        operators = (Operator(id="P", skills=("paint", "weld")), Operator(id="Q", skills=("weld",)))
        result = best(plant(jobs, machines=(Machine(id="M"), Machine(id="N")), operators=operators))
        assert result.objective == 4

    def test_a_set_up_holds_its_person(self) -> None:
        machines = tuple(Machine(id=m, setup_matrix="S", initial_setup_group="A") for m in "MN")
        jobs = [one("X", mode(5, set_by="set"), group="B"), one("Y", mode(5, "N", set_by="set"), group="B")]
        operators = (Operator(id="P", skills=("set",)),)
        problem = plant(jobs, machines=machines, setup_matrices={"S": {"A": {"B": 3}}}, operators=operators)
        assert best(problem).objective == 11

    def test_nobody_able_is_a_proof(self) -> None:
        result = best(plant([one("A", mode(1, run_by="fly"))]))
        assert (result.status, result.overflow[0].reason) == ("infeasible", "no_capable_resource")


class TestTools:
    @pytest.mark.parametrize(("count", "makespan"), [(1, 12), (2, 8), (3, 4)])
    def test_no_more_than_there_are_are_used_at_once(self, count: int, makespan: int) -> None:
        machines = tuple(Machine(id=m) for m in "MNO")
        jobs = [one(m, Mode(machine=m, duration=4, tools=("T",))) for m in "MNO"]
        result = best(plant(jobs, machines=machines, tools=(Tool(id="T", count=count),)))
        assert (result.status, result.objective) == ("optimal", makespan)

    def test_a_tool_has_its_own_calendar(self) -> None:
        jobs = [one("A", Mode(machine="M", duration=4, tools=("T", "T")))]
        assert best(plant(jobs, tools=(Tool(id="T", count=2, calendar=((6, 20),)),))).objective == 10


class TestGivenPlaces:
    def test_work_goes_around_a_fixed_place(self) -> None:
        fixed = one("F", mode(4), fixed=Fixed(machine="M", start=3, end=8))
        result = best(plant([fixed, one("A", mode(3)), one("B", mode(4))]))
        assert result.objective == 12
        assert (places(result)["F1"].start, places(result)["F1"].end) == (3, 8)

    def test_what_already_runs_started_before_the_first_tick(self) -> None:
        running = one("F", mode(9), fixed=Fixed(machine="M", start=-5, end=4))
        assert best(plant([running, one("A", mode(3))])).objective == 7

    def test_set_up_for_a_fixed_place_is_left_room(self) -> None:
        machines = (Machine(id="M", setup_matrix="S", initial_setup_group="A"),)
        fixed = one("F", mode(2), group="A", fixed=Fixed(machine="M", start=10, end=12))
        jobs = [fixed, one("B", mode(4), group="B")]
        result = best(plant(jobs, machines=machines, setup_matrices={"S": {"A": {"B": 2}, "B": {"A": 5}}}))
        # 2 + 4 + 5 do not fit before 10, so B follows: 12 + 2 + 4.
        assert (result.objective, result.metrics.setup_time) == (18, 2)

    def test_a_predecessor_that_cannot_end_in_time_has_no_place(self) -> None:
        operations = (
            Operation(id="1", modes=(mode(5),)),
            Operation(id="2", modes=(mode(1),), predecessors=("1",), fixed=Fixed(machine="M", start=3, end=4)),
        )
        result = best(plant([Job(id="A", operations=operations)]))
        assert (result.status, [gap.operation for gap in result.overflow]) == ("unknown", ["1"])


class TestDeadlinesAndOutsourcing:
    def test_a_deadline_comes_before_weight(self) -> None:
        urgent = Job(id="A", deadline=5, weight=0, operations=(Operation(id="1", modes=(mode(5),)),))
        result = best(plant([urgent, one("B", mode(1), due=0, weight=100)], goal="weighted_tardiness"))
        assert (result.status, result.objective) == ("optimal", 600)

    def test_deadlines_nobody_can_keep_are_proven_so(self) -> None:
        jobs = [Job(id=n, deadline=5, operations=(Operation(id="1", modes=(mode(4),)),)) for n in "AB"]
        result = best(plant(jobs))
        assert (result.status, len(result.overflow)) == ("infeasible", 1)

    def test_work_goes_outside_when_that_is_cheaper_than_lateness(self) -> None:
        terms = (Term(metric="weighted_tardiness"), Term(metric="outsourcing_cost"))
        jobs = [one(n, mode(10), due=10, outsource=Outsource(cost=4, lead_time=9)) for n in "ABC"]
        result = best(plant(jobs, objective=Objective(terms=terms)))
        assert (result.status, result.objective) == ("optimal", 8)
        assert sum(a.outsourced and a.machine is None for a in result.assignments) == 2

    def test_it_goes_outside_when_nobody_here_can(self) -> None:
        jobs = [one("A", mode(1, run_by="fly"), outsource=Outsource(cost=4, lead_time=9))]
        assert best(plant(jobs)).objective == 9


class TestStability:
    BASELINE = (
        Place(job="A", operation="1", machine="M", start=20),
        Place(job="B", operation="1", machine="M", start=5),
    )

    def test_the_published_plan_is_kept_though_earlier_is_possible(self) -> None:
        jobs = [one("A", mode(5)), one("B", mode(5))]
        result = best(plant(jobs, goal="changes", baseline=self.BASELINE))
        assert (result.status, result.objective) == ("optimal", 0)

    def test_a_broken_plan_changes_as_little_as_possible(self) -> None:
        machines = (Machine(id="M", calendar=((8, 40),)),)
        jobs = [one("A", mode(5)), one("B", mode(5))]
        result = best(plant(jobs, goal="changes", baseline=self.BASELINE, machines=machines))
        assert (result.status, result.objective, places(result)["A1"].start) == ("optimal", 1, 20)


class TestObjectives:
    JOBS = (
        one("A", mode(8), due=8, group="A"),
        one("B", mode(2), due=4, group="B"),
        one("C", mode(2), due=20, group="A"),
    )

    def test_goals_are_met_one_after_another(self) -> None:
        terms = (Term(metric="late_orders"), Term(metric="flow_time"))
        result = best(plant(self.JOBS, objective=Objective(mode="lexicographic", terms=terms)))
        assert (result.status, result.objective, result.metrics.flow_time) == ("optimal", 1, 2 + 4 + 12)

    @pytest.mark.parametrize("preset", ["on_time", "throughput", "min_changeover", "balanced"])
    def test_each_preset_gives_an_accepted_plan(self, preset: str) -> None:
        problem = plant(self.JOBS, objective=dict(PRESETS)[preset])  # type: ignore[index]
        assert best(problem).status == "optimal"


class TestReasons:
    def test_each_start_names_what_held_it(self) -> None:
        operations = (
            Operation(id="1", modes=(mode(4),), release=2),
            Operation(id="2", modes=(mode(3, "N"),), predecessors=("1",)),
            Operation(id="3", modes=(mode(3, "C"),), predecessors=("2",)),
        )
        machines = (Machine(id="M"), Machine(id="N"), Machine(id="C", calendar=((20, 30),)))
        fixed = one("F", mode(1, "N"), fixed=Fixed(machine="N", start=0, end=1))
        found = places(best(plant([Job(id="A", due=9, operations=operations), fixed], machines=machines)))
        assert found["A1"].reasons == ("release",)
        assert found["A2"].reasons == ("predecessor:A/1",)
        assert found["A3"].reasons == ("calendar", "predecessor:A/2", "late:14", "chain:A/3<-A/2<-A/1")
        assert found["F1"].reasons == ("fixed",)

    def test_machines_operators_and_tools_are_named(self) -> None:
        jobs = [
            one("A", Mode(machine="M", duration=4, operator_skill="w", tools=("T",))),
            one("B", Mode(machine="N", duration=9, operator_skill="w")),
            one("C", Mode(machine="O", duration=9, tools=("T",))),
            one("D", Mode(machine="M", duration=30)),
        ]
        parts = {"operators": (Operator(id="P", skills=("w",)),), "tools": (Tool(id="T"),)}
        warm = tuple(
            Place(job=name, operation="1", machine=m, start=s)
            for name, m, s in zip("ABCD", "MNOM", (0, 4, 4, 4), strict=True)
        )
        found = places(best(plant(jobs, machines=tuple(Machine(id=m) for m in "MNO"), warm_start=warm, **parts)))
        assert found["A1"].start == 0
        assert found["B1"].reasons == ("operator:P",)
        assert found["C1"].reasons == ("tool:T",)
        assert found["D1"].reasons == ("machine:M",)


class TestLimits:
    def test_an_empty_problem_is_solved(self) -> None:
        assert best(Problem()).status == "optimal"

    def test_stopping_at_once_still_answers_with_a_plan(self) -> None:
        result = solve(plant([one("A", mode(3)), one("B", mode(2))]), Limits(time_limit=60), should_stop=lambda: True)
        assert result.accepted
        assert len(result.assignments) == 2

    def test_better_plans_are_told_and_can_be_built(self) -> None:
        seen: list[tuple[Incumbent, Result]] = []
        jobs = [one(n, mode(d), due=0, weight=d * d) for n, d in zip("ABCDEF", (1, 2, 3, 4, 5, 6), strict=True)]
        problem = plant(jobs, goal="weighted_tardiness")
        result = solve(problem, LIMITS, on_incumbent=lambda incumbent, plan: seen.append((incumbent, plan())))
        values = [incumbent.objective for incumbent, _ in seen]
        assert values == sorted(values, reverse=True)
        assert values[-1] == result.objective
        assert tuple(incumbent for incumbent, _ in seen) == result.incumbents
        assert all(len(plan.assignments) == 6 for _, plan in seen)

    def test_a_warm_start_is_never_made_worse(self) -> None:
        jobs = [one(n, mode(2), due=d) for n, d in (("A", 4), ("B", 2))]
        warm = (
            Place(job="B", operation="1", machine="M", start=0),
            Place(job="A", operation="1", machine="M", start=2),
        )
        problem = plant(jobs, goal="weighted_tardiness", warm_start=warm)
        assert solve(problem, Limits(iterations=0)).objective == 0


def test_a_small_problem_does_not_wait_for_its_time_limit() -> None:
    # Fixed shares of a day would be hours.
    jobs = [one(name, mode(d), due=6, group=group) for name, d, group in (("A", 3, "x"), ("B", 4, "y"), ("C", 2, "x"))]
    result = solve(plant(jobs, goal="weighted_tardiness"), Limits(time_limit=24 * 3600))
    assert result.status == "optimal"
