"""Known optima of small problems, and what the engine promises about stopping and repeating."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from woaas_solver_farm.checker import check
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.generator import Shape, generate
from woaas_solver_farm.objective import minimise
from woaas_solver_farm.problem import Job, Limits, Machine, Mode, Operation, Operator, Place, Problem

COUNTED = Limits(iterations=300, seed=7)


def step(name: str, *modes: tuple[str, int], after: tuple[str, ...] = (), group: str | None = None) -> Operation:
    return Operation(
        id=name, modes=tuple(Mode(machine=m, duration=d) for m, d in modes), predecessors=after, setup_group=group
    )


class TestKnownOptima:
    def test_a_two_by_two_job_shop(self) -> None:
        problem = Problem(
            machines=(Machine(id="A"), Machine(id="B")),
            jobs=(
                Job(id="1", operations=(step("1a", ("A", 3)), step("1b", ("B", 2), after=("1a",)))),
                Job(id="2", operations=(step("2a", ("B", 4)), step("2b", ("A", 2), after=("2a",)))),
            ),
            objective=minimise("makespan"),
        )
        result = solve(problem, COUNTED)
        assert (result.objective, result.status) == (6, "optimal")

    def test_alternatives_share_the_work(self) -> None:
        jobs = tuple(Job(id=str(i), operations=(step(f"o{i}", ("A", 5), ("B", 5)),)) for i in range(4))
        result = solve(
            Problem(machines=(Machine(id="A"), Machine(id="B")), jobs=jobs, objective=minimise("makespan")), COUNTED
        )
        assert result.objective == 10

    def test_equal_setup_groups_are_run_together(self) -> None:
        groups = ("red", "blue", "red", "blue")
        jobs = tuple(Job(id=str(i), operations=(step(f"o{i}", ("A", 2), group=g),)) for i, g in enumerate(groups))
        problem = Problem(
            machines=(Machine(id="A", setup_matrix="S", initial_setup_group="red"),),
            setup_matrices={"S": {"red": {"blue": 9}, "blue": {"red": 9}}},
            jobs=jobs,
            objective=minimise("setup_time"),
        )
        assert solve(problem, COUNTED).objective == 9

    def test_the_urgent_job_goes_first(self) -> None:
        jobs = (
            Job(id="calm", due=100, operations=(step("c", ("A", 10)),)),
            Job(id="urgent", due=5, operations=(step("u", ("A", 5)),)),
        )
        result = solve(
            Problem(machines=(Machine(id="A"),), jobs=jobs, objective=minimise("weighted_tardiness")), COUNTED
        )
        assert result.objective == 0
        assert result.metrics.late_orders == 0

    def test_work_that_nobody_can_do_is_overflow_and_not_hidden(self) -> None:
        mode = Mode(machine="A", duration=3, operator_skill="weld")
        problem = Problem(
            machines=(Machine(id="A"),),
            operators=(Operator(id="P", skills=("turn",)),),
            jobs=(Job(id="1", operations=(Operation(id="o", modes=(mode,)),)),),
        )
        result = solve(problem, COUNTED)
        assert "o" in str(result.overflow) or result.status == "infeasible"


class TestPromises:
    def test_equal_seed_and_iterations_give_equal_plans(self) -> None:
        problem = generate(Shape(orders=12), 3)
        first, second = solve(problem, COUNTED), solve(problem, COUNTED)
        assert first.assignments == second.assignments

    def test_a_stop_keeps_the_best_plan(self) -> None:
        problem = generate(Shape(orders=20), 1)
        seen: list[float] = []
        result = solve(
            problem,
            Limits(time_limit=60.0, seed=1, workers=1),
            on_incumbent=lambda incumbent, _: seen.append(incumbent.objective),
            should_stop=lambda: len(seen) >= 2,
        )
        assert result.accepted
        assert result.objective is not None
        assert result.objective <= seen[0]

    def test_a_warm_start_is_never_made_worse(self) -> None:
        problem = generate(Shape(orders=15), 5)
        before = solve(problem, COUNTED)
        places = tuple(
            Place(job=a.job, operation=a.operation, machine=a.machine, start=a.start, operator=a.operator)
            for a in before.assignments
        )
        again = solve(msgspec.structs.replace(problem, warm_start=places), Limits(iterations=50, seed=2))
        assert again.accepted
        assert again.objective is not None
        assert before.objective is not None
        assert again.objective <= before.objective

    @pytest.mark.parametrize("orders", [5, 60])
    def test_a_generated_factory_is_planned_at_any_size(self, orders: int) -> None:
        problem = generate(Shape(orders=orders), orders)
        result = solve(problem, Limits(iterations=100, seed=1))
        assert result.accepted
        assert check(problem, result) == []


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_plan_of_a_random_factory_is_accepted(data: st.DataObject) -> None:
    """Random small shops: alternatives, calendars, releases, due dates, setup groups, skills."""
    machines = tuple(
        Machine(
            id=f"M{i}",
            calendar=data.draw(st.sampled_from([None, ((0, 50), (60, 400))])),
            setup_matrix="S",
            initial_setup_group=data.draw(st.sampled_from([None, "g0", "g1"])),
        )
        for i in range(data.draw(st.integers(1, 3)))
    )
    jobs = []
    for j in range(data.draw(st.integers(1, 5))):
        operations = []
        for k in range(data.draw(st.integers(1, 3))):
            chosen = data.draw(st.lists(st.sampled_from(machines), min_size=1, max_size=2, unique_by=lambda m: m.id))
            skill = data.draw(st.sampled_from([None, "turn"]))
            modes = tuple(
                Mode(machine=m.id, duration=data.draw(st.integers(1, 9)), operator_skill=skill) for m in chosen
            )
            operations.append(
                Operation(
                    id=f"{j}-{k}",
                    modes=modes,
                    predecessors=(f"{j}-{k - 1}",) if k else (),
                    setup_group=data.draw(st.sampled_from(["g0", "g1"])),
                    resumable=data.draw(st.booleans()),
                )
            )
        due = data.draw(st.one_of(st.none(), st.integers(5, 60)))
        jobs.append(Job(id=str(j), release=data.draw(st.integers(0, 20)), due=due, operations=tuple(operations)))
    problem = Problem(
        machines=machines,
        operators=(Operator(id="P", skills=("turn",)), Operator(id="Q", skills=("turn",), calendar=((10, 300),))),
        setup_matrices={"S": {"g0": {"g1": 3}, "g1": {"g0": 4}}},
        jobs=tuple(jobs),
    )
    result = solve(problem, Limits(iterations=40, seed=1))
    assert result.accepted
    assert check(problem, result) == []
