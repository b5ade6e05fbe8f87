"""What is said of a problem that cannot be solved whole: no objective, not accepted, and a plan for the rest."""

import json
from pathlib import Path

import pytest
from fixtures.app import Tenant, World
from fixtures.farm import farm

from woaas_solver_farm import problem as problems
from woaas_solver_farm.cli_solve import solve_file
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.objective import minimise
from woaas_solver_farm.problem import Job, Limits, Machine, Mode, Operation, Problem

LIMITS = Limits(time_limit=5, iterations=5, workers=1)
# The second job asks for somebody who can weld, and nobody can.
PROBLEM = Problem(
    machines=(Machine(id="m"),),
    jobs=(
        Job(id="a", operations=(Operation(id="1", modes=(Mode(machine="m", duration=7),)),)),
        Job(id="b", operations=(Operation(id="1", modes=(Mode(machine="m", duration=3, operator_skill="weld"),)),)),
    ),
    objective=minimise("makespan"),
    limits=LIMITS,
)


def test_the_engine_claims_no_objective_for_a_part() -> None:
    result = solve(PROBLEM, LIMITS)
    assert (result.status, result.objective, result.bound) == ("infeasible", None, None)
    assert (result.accepted, result.checked) == (False, True)
    assert [(a.job, a.start, a.end) for a in result.assignments] == [("a", 0, 7)]
    assert [(o.job, o.reason) for o in result.overflow] == [("b", "no_capable_resource")]


def test_a_whole_plan_has_one() -> None:
    result = solve(Problem(machines=PROBLEM.machines, jobs=PROBLEM.jobs[:1], objective=PROBLEM.objective), LIMITS)
    assert (result.status, result.objective, result.accepted, result.checked) == ("optimal", 7, True, True)


def test_the_command_prints_it_so(tmp_path: Path) -> None:
    file = tmp_path / "impossible.json"
    file.write_bytes(problems.encode(PROBLEM))
    printed = json.loads(json.dumps(solve_file(file, time_limit_s=1, workers=1)))
    assert (printed["status"], printed["objective"], printed["bound"]) == ("infeasible", None, None)
    assert (printed["accepted"], printed["checked"]) == (False, True)


@pytest.mark.anyio
async def test_a_private_solve_answers_it_so(world: World, factory: Tenant) -> None:
    async with factory.client() as client:
        run = (await client.post("/v1/solve", content=problems.encode(PROBLEM))).json()
        await farm(world.db).run_once()
        ended = (await client.get(f"/v1/solve/{run['id']}")).json()
    assert (ended["status"], ended["objective"], ended["gap"]) == ("finished", None, None)
    result = ended["result"]
    assert (result["status"], result["objective"], result["accepted"]) == ("infeasible", None, False)
    assert [a["job"] for a in result["assignments"]] == ["a"]
