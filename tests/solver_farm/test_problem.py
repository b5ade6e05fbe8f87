"""Problems are read from JSON, refused with pointers, and stay light to import."""

import json
import subprocess
import sys

import pytest

from woaas_solver_farm import problem, result
from woaas_solver_farm.generator import Shape, generate
from woaas_solver_farm.problem_errors import ProblemError

EXAMPLE = {
    "tick": "PT1M",
    "start_at": "2026-01-05T00:00:00Z",
    "horizon": 20160,
    "machines": [{"id": "M1", "calendar": [[0, 480], [1440, 1920]], "setup_matrix": "S", "initial_setup_group": "A"}],
    "setup_matrices": {"S": {"A": {"B": 15}}},
    "operators": [{"id": "P1", "skills": ["weld"], "calendar": [[0, 480]]}],
    "tools": [{"id": "T1", "count": 2}],
    "jobs": [
        {
            "id": "J1",
            "release": 5,
            "due": 100,
            "deadline": 900,
            "weight": 2,
            "operations": [
                {"id": "op1", "modes": [{"machine": "M1", "duration": 30, "operator_skill": "weld", "tools": ["T1"]}]},
                {
                    "id": "op2",
                    "modes": [{"machine": "M1", "duration": 20, "setup": 3, "setup_skill": "weld", "cost": 1.5}],
                    "setup_group": "B",
                    "predecessors": [{"operation": "op1", "min_lag": 4}],
                    "resumable": True,
                    "outsource": {"cost": 10, "lead_time": 300},
                },
                {
                    "id": "op3",
                    "modes": [{"machine": "M1", "duration": 1}],
                    "predecessors": ["op2"],
                    "fixed": {"machine": "M1", "operator": "P1", "start": 600, "end": 601},
                },
            ],
        }
    ],
    "baseline": [{"operation": "op1", "machine": "M1", "start": 10}],
    "warm_start": [{"operation": "op1", "machine": "M1", "start": 10}],
    "objective": {"mode": "lexicographic", "terms": [{"metric": "makespan", "weight": 1}]},
    "limits": {"time_limit": "PT20S", "iterations": 10, "seed": 3, "workers": 2},
}


def refused(**changes: object) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        problem.decode(json.dumps(EXAMPLE | changes))
    return caught.value


def pointers(error: ProblemError) -> set[tuple[str, str]]:
    return {(fault.pointer, fault.code) for fault in error.faults}


class TestDecode:
    def test_the_contract_s_example_is_read_whole_and_written_back(self) -> None:
        read = problem.decode(json.dumps(EXAMPLE))
        assert read.jobs[0].operations[1].modes[0].setup_skill == "weld"
        assert problem.decode(problem.encode(read)) == read

    def test_a_wrong_type_has_its_pointer(self) -> None:
        assert pointers(refused(machines=[{"id": "M1"}, {"id": 7}])) == {("/machines/1/id", "invalid_value")}

    def test_a_misspelt_field_is_named(self) -> None:
        assert pointers(refused(machines=[{"id": "M1", "calender": []}])) == {("/machines/0/calender", "unknown_field")}

    def test_text_that_is_not_json_is_malformed(self) -> None:
        with pytest.raises(ProblemError) as caught:
            problem.decode(b"{")
        assert caught.value.faults[0].code == "malformed"

    def test_every_fault_is_told_at_once(self) -> None:
        bad_jobs = [
            {
                "id": "J",
                "operations": [
                    {"id": "a", "modes": [{"machine": "no", "duration": 1, "tools": ["nor"]}], "predecessors": ["x"]},
                    {"id": "a", "fixed": {"machine": "M1", "start": 2, "end": 1, "operator": "nobody"}},
                ],
            }
        ]
        bad_machines = [{"id": "M1", "calendar": [[5, 9], [8, 8]], "setup_matrix": "none"}]
        error = refused(
            jobs=bad_jobs, machines=bad_machines, tick="1 minute", baseline=[{"operation": "?", "start": 1}]
        )
        assert {pointer for pointer, _ in pointers(error)} == {
            "/jobs/0/operations/0/modes/0/machine",
            "/jobs/0/operations/0/modes/0/tools/0",
            "/jobs/0/operations/0/predecessors/0",
            "/jobs/0/operations/1/id",
            "/jobs/0/operations/1/fixed/machine",
            "/jobs/0/operations/1/fixed/operator",
            "/jobs/0/operations/1/fixed/end",
            "/machines/0/calendar/1",
            "/machines/0/setup_matrix",
            "/tick",
            "/baseline/0/operation",
            "/warm_start/0/operation",
        }

    def test_operations_that_wait_for_each_other_are_refused(self) -> None:
        operations = [
            {"id": "a", "modes": [{"machine": "M1", "duration": 1}], "predecessors": ["b"]},
            {"id": "b", "modes": [{"machine": "M1", "duration": 1}], "predecessors": ["a"]},
        ]
        error = refused(jobs=[{"id": "J", "operations": operations}], baseline=[], warm_start=[])
        assert [fault.code for fault in error.faults] == ["circular"]

    def test_operation_ids_may_repeat_between_jobs(self) -> None:
        operation = {"id": "op1", "modes": [{"machine": "M1", "duration": 1}]}
        jobs = [{"id": "A", "operations": [operation]}, {"id": "B", "operations": [operation]}]
        places = [{"job": "B", "operation": "op1", "start": 3, "machine": "M1"}]
        read = problem.decode(json.dumps(EXAMPLE | {"jobs": jobs, "baseline": places, "warm_start": []}))
        assert read.baseline[0].job == "B"
        again = refused(jobs=jobs, baseline=[*places, *places], warm_start=[])
        assert pointers(again) == {("/baseline/1/operation", "duplicate")}
        ambiguous = refused(jobs=jobs, baseline=[{"operation": "op1", "start": 3}], warm_start=[])
        assert pointers(ambiguous) == {("/baseline/0/operation", "unknown_reference")}


class TestGenerator:
    def test_the_same_seed_makes_the_same_valid_factory(self) -> None:
        factory = generate(Shape(orders=20), seed=4)
        assert problem.decode(problem.encode(factory)) == factory == generate(Shape(orders=20), seed=4)
        assert factory != generate(Shape(orders=20), seed=5)


def test_the_request_side_loads_neither_ortools_nor_numba() -> None:
    names = ("problem", "result", "objective", "checker", "readers", "generator")
    code = "; ".join(f"import woaas_solver_farm.{name}" for name in names)
    code += "; import sys; print(sorted({'numba', 'numpy', 'ortools', 'ray'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_result_survives_its_json() -> None:
    metrics = result.Metrics(
        weighted_tardiness=0,
        total_tardiness=0,
        late_orders=0,
        makespan=1,
        setup_time=0,
        flow_time=1,
        changes=0,
        outsourcing_cost=0,
    )
    answer = result.Result(
        status="feasible",
        objective=1,
        bound=None,
        accepted=True,
        metrics=metrics,
        assignments=(),
        incumbents=(result.Incumbent(at=0.5, objective=1),),
    )
    assert result.decode(result.encode(answer)) == answer
