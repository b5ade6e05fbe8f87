"""Problems nobody would plan for: each gets a plan, a proof or a fault with its place, never an exception."""

import json

import pytest
from fixtures.enumeration import Rules, spots

from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.objective import minimise
from woaas_solver_farm.problem import (
    METRICS,
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
    decode,
    encode,
)
from woaas_solver_farm.problem_errors import ProblemError
from woaas_solver_farm.result import Result

LIMITS = Limits(iterations=60, seed=1)
HUGE = 2**40
MACHINES = tuple(Machine(id=m) for m in "MNO")


def mode(duration: int, machine: str = "M", *, skill: str | None = None, tools: tuple[str, ...] = ()) -> Mode:
    return Mode(machine=machine, duration=duration, operator_skill=skill, tools=tools)


def job(name: str, *modes: Mode, due: int | None = None, weight: float = 1, **more: object) -> Job:
    return Job(id=name, due=due, weight=weight, operations=(Operation(id="1", modes=modes, **more),))  # type: ignore[arg-type]


def solved(problem: Problem) -> Result:
    """What the door makes of a problem: read from its JSON, solved, accepted."""
    result = solve(decode(encode(problem)), LIMITS)
    assert (result.checked, result.accepted) == (True, not result.overflow)
    if not result.overflow and result.metrics.makespan < 100:
        assert Rules(problem).are_kept(spots(result.assignments))
    return result


def overflow(result: Result) -> list[tuple[str, str]]:
    return [(gap.job, gap.reason) for gap in result.overflow]


class TestNoWholePlan:
    def test_no_machine_at_all(self) -> None:
        assert overflow(solved(Problem(jobs=(job("A"),)))) == [("A", "no_capable_resource")]

    def test_no_machine_but_an_offer_outside(self) -> None:
        offer = Outsource(cost=1, lead_time=3)
        result = solved(Problem(jobs=(job("A", outsource=offer),), objective=minimise("makespan")))
        assert (result.status, result.objective) == ("optimal", 3)

    def test_a_chain_nobody_can_do(self) -> None:
        steps = tuple(Operation(id=str(i), predecessors=(str(i - 1),) if i else ()) for i in range(12))
        result = solved(Problem(machines=MACHINES, jobs=(Job(id="A", due=5, operations=steps), job("B", mode(2)))))
        assert (result.status, len(result.overflow), len(result.assignments)) == ("infeasible", 12, 1)

    @pytest.mark.parametrize(
        ("parts", "reason"),
        [
            ({"jobs": (job("A", mode(1, skill="fly")),)}, "no_capable_resource"),
            ({"jobs": (job("A", mode(1, tools=("T",))),), "tools": (Tool(id="T", count=0),)}, "no_capable_resource"),
            ({"jobs": (job("A", mode(1)),), "machines": (Machine(id="M", calendar=()),)}, "no_room"),
            (
                {"jobs": (Job(id="A", release=9, deadline=5, operations=(Operation(id="1", modes=(mode(1),)),)),)},
                "no_room",
            ),
        ],
    )
    def test_who_or_what_is_missing_is_told(self, parts: dict[str, object], reason: str) -> None:
        result = solved(Problem(**({"machines": MACHINES} | parts)))  # type: ignore[arg-type]
        assert (result.status, overflow(result)) == ("infeasible", [("A", reason)])

    def test_two_who_are_there_at_different_times(self) -> None:
        """Machine and person never meet: resumable work finds no tick, and that is proven."""
        machines = (Machine(id="M", calendar=((0, 10),)),)
        people = (Operator(id="P", skills=("x",), calendar=((10, 20),)),)
        result = solved(
            Problem(machines=machines, operators=people, jobs=(job("A", mode(1, skill="x"), resumable=True),))
        )
        assert (result.status in ("infeasible", "unknown"), overflow(result)) == (True, [("A", "no_room")])


class TestHorizon:
    def test_work_that_does_not_fit_is_placed_after_it_and_counted(self) -> None:
        result = solved(
            Problem(machines=MACHINES, horizon=2, jobs=(job("A", mode(5)),), objective=minimise("makespan"))
        )
        assert (result.status, result.objective) == ("optimal", 5)


class TestExtremes:
    def test_nothing_to_plan(self) -> None:
        assert solved(Problem()).status == "optimal"
        assert solved(Problem(machines=MACHINES)).objective == 0

    def test_work_that_takes_no_time(self) -> None:
        machines = (Machine(id="M", calendar=((5, 6),)),)
        result = solved(
            Problem(machines=machines, jobs=tuple(job(n, mode(0)) for n in "ABC"), objective=minimise("makespan"))
        )
        assert (result.status, result.objective) == ("optimal", 0)

    def test_a_person_at_work_is_not_there_for_a_moment_either(self) -> None:
        people = (Operator(id="P", skills=("x",)),)
        running = job("A", mode(8, skill="x"), fixed=Fixed(machine="M", operator="P", start=0, end=8))
        moment = job("B", mode(0, "N", skill="x"), release=3)
        result = solved(Problem(machines=MACHINES, operators=people, jobs=(running, moment)))
        assert next(a.start for a in result.assignments if a.job == "B") == 8

    def test_times_as_long_as_may_be(self) -> None:
        jobs = tuple(job(str(i), mode(HUGE), due=1, weight=1e15) for i in range(40))
        for metric in METRICS:
            result = solved(Problem(machines=MACHINES, jobs=jobs, objective=minimise(metric)))
            assert result.status in ("optimal", "feasible")
        assert solved(Problem(machines=MACHINES, jobs=jobs, objective=minimise("makespan"))).objective == 40 * HUGE

    def test_weights_as_different_as_may_be(self) -> None:
        terms = (Term(metric="makespan", weight=1e15), Term(metric="flow_time", weight=1e-15))
        jobs = tuple(job(n, mode(5)) for n in "ABC")
        assert solved(Problem(machines=MACHINES, jobs=jobs, objective=Objective(terms=terms))).objective == 15e15

    def test_a_weight_beyond_all_sums_is_refused(self) -> None:
        with pytest.raises(ProblemError) as caught:
            decode(encode(Problem(jobs=(job("A", weight=1e300),))))
        assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/jobs/0/weight", "invalid_value")]

    def test_lags_as_long_as_may_be_either_way(self) -> None:
        def chain(lag: int) -> Problem:
            link = Predecessor(operation="1", min_lag=lag)
            steps = (
                Operation(id="1", modes=(mode(1),)),
                Operation(id="2", modes=(mode(1, "N"),), predecessors=(link,)),
            )
            return Problem(machines=MACHINES, jobs=(Job(id="A", operations=steps),), objective=minimise("makespan"))

        assert [solved(chain(lag)).objective for lag in (HUGE, -HUGE)] == [HUGE + 2, 1]

    @pytest.mark.parametrize("limits", [Limits(iterations=0, time_limit=0), Limits(iterations=5, workers=256)])
    def test_limits_at_their_ends(self, limits: Limits) -> None:
        result = solve(Problem(machines=MACHINES, jobs=(job("A", mode(1)), job("B", mode(1), due=0))), limits)
        assert (result.accepted, len(result.assignments)) == (True, 2)

    def test_places_from_before_and_on_machines_that_are_gone(self) -> None:
        earlier = (Place(operation="1", machine="gone", start=-5),)
        problem = Problem(machines=MACHINES, jobs=(job("A", mode(1)),), baseline=earlier, warm_start=earlier)
        assert solved(problem).metrics.changes == 1


class TestGivenPlacesThatContradict:
    """They are facts: nothing else is put into them, and the rest is still planned."""

    @pytest.mark.parametrize(
        ("first", "second", "free_from"), [((0, 10), (5, 15), 15), ((0, 20), (5, 6), 20), ((-9, 4), (-5, 2), 4)]
    )
    @pytest.mark.parametrize("shared", ["machine", "tool", "operator"])
    def test_over_each_other(
        self, shared: str, first: tuple[int, int], second: tuple[int, int], free_from: int
    ) -> None:
        names = "MMM" if shared == "machine" else "MNO"
        tools = ("T",) if shared == "tool" else ()
        skill, person = ("x", "P") if shared == "operator" else (None, None)
        modes = [mode(3, name, skill=skill, tools=tools) for name in names]
        given = [
            job(n, m, fixed=Fixed(machine=m.machine, operator=person, start=span[0], end=span[1]))
            for n, m, span in zip("AB", modes, (first, second), strict=False)
        ]
        problem = Problem(
            machines=MACHINES,
            operators=(Operator(id="P", skills=("x",)),),
            tools=(Tool(id="T"),),
            jobs=(*given, job("C", modes[2])),
            objective=minimise("makespan"),
        )
        result = solved(problem)
        assert (result.overflow, result.objective) == ((), free_from + 3)

    def test_three_that_share_two_pieces(self) -> None:
        spans = ((0, 10), (0, 4), (2, 6))
        given = [
            job(n, mode(1, m, tools=("T",)), fixed=Fixed(machine=m, start=a, end=b))
            for n, m, (a, b) in zip("ABC", "MNO", spans, strict=True)
        ]
        machines = (*MACHINES, Machine(id="X"))
        problem = Problem(
            machines=machines, tools=(Tool(id="T", count=2),), jobs=(*given, job("D", mode(2, "X", tools=("T",))))
        )
        assert next(a.start for a in solved(problem).assignments if a.job == "D") == 6

    def test_before_its_predecessor(self) -> None:
        steps = (
            Operation(id="1", modes=(mode(3),), fixed=Fixed(machine="M", start=5, end=8)),
            Operation(id="2", modes=(mode(3, "N"),), predecessors=("1",), fixed=Fixed(machine="N", start=0, end=3)),
            Operation(id="3", modes=(mode(1),), predecessors=("2",)),
        )
        result = solved(Problem(machines=MACHINES, jobs=(Job(id="A", operations=steps),)))
        assert {a.operation: a.start for a in result.assignments} == {"1": 5, "2": 0, "3": 3}

    def test_by_somebody_who_cannot_and_where_nobody_works(self) -> None:
        machines = (Machine(id="M", calendar=((50, 60),)),)
        people = (Operator(id="P", calendar=((50, 60),)),)
        given = job("A", mode(3, skill="x"), fixed=Fixed(machine="M", operator="P", start=0, end=3))
        assert solved(Problem(machines=machines, operators=people, jobs=(given,))).status in ("optimal", "feasible")

    def test_with_a_mould_there_is_none_of(self) -> None:
        given = job("A", mode(3, tools=("T",)), fixed=Fixed(machine="M", start=0, end=3))
        problem = Problem(machines=MACHINES, tools=(Tool(id="T", count=0),), jobs=(given, job("B", mode(2))))
        assert solved(problem).overflow == ()


FIRST = "/jobs/0/operations/0"


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"predecessors": ["b"]}, f"{FIRST}/predecessors", "circular"),
        ({"predecessors": ["a"]}, f"{FIRST}/predecessors", "circular"),
        ({"modes": [{"machine": "M", "duration": HUGE + 1}]}, f"{FIRST}/modes/0/duration", "invalid_value"),
        ({"modes": [{"machine": "M", "duration": -1}]}, f"{FIRST}/modes/0/duration", "invalid_value"),
        ({"modes": [{"machine": "M", "duration": 1.5}]}, f"{FIRST}/modes/0/duration", "invalid_value"),
        ({"fixed": {"machine": "X", "start": 0, "end": 1}}, f"{FIRST}/fixed/machine", "unknown_reference"),
        ({"fixed": {"machine": "M", "start": 2, "end": 1}}, f"{FIRST}/fixed/end", "invalid_value"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(change: dict[str, object], pointer: str, code: str) -> None:
    first, second = ({"id": name, "modes": [{"machine": "M", "duration": 1}]} for name in "ab")
    problem = {
        "machines": [{"id": "M"}],
        "jobs": [{"id": "J", "operations": [first | change, second | {"predecessors": ["a"]}]}],
    }
    with pytest.raises(ProblemError) as caught:
        decode(json.dumps(problem))
    assert (pointer, code) in [(fault.pointer, fault.code) for fault in caught.value.faults]
