"""What ``woaas-server solve`` prints."""

from pathlib import Path

import msgspec
import pytest

from woaas_solver_farm.cli_solve import solve_file
from woaas_solver_farm.problem_errors import ProblemError

FJS = "2 2 1\n2 1 1 3 1 2 2\n2 1 2 4 1 1 1\n"


def test_a_flexible_job_shop_is_solved_to_its_optimum(tmp_path: Path) -> None:
    file = tmp_path / "two.fjs"
    file.write_text(FJS)
    printed = solve_file(file, time_limit_s=5, workers=1)
    assert (printed["status"], printed["objective"]) == ("optimal", 6)
    assert printed["checked"] is printed["accepted"] is True
    assert printed["seconds"] >= 0
    assert msgspec.json.encode(printed)


def test_the_objective_of_the_command_line_wins(tmp_path: Path) -> None:
    file = tmp_path / "two.fjs"
    file.write_text(FJS)
    printed = solve_file(file, time_limit_s=5, workers=1, objective="flow_time", seed=7)
    assert printed["objective"] == printed["metrics"]["flow_time"]


def test_what_is_no_problem_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('{"machines": 3}')
    with pytest.raises(ProblemError):
        solve_file(file, time_limit_s=1, workers=1)


def test_a_flow_shop_text_is_solved_without_overtaking_and_only_for_its_makespan(tmp_path: Path) -> None:
    file = tmp_path / "line.txt"
    file.write_text("2\n1\n3\n4\n0 2\n1 0\n")
    printed = solve_file(file, time_limit_s=1, workers=1)
    assert (printed["objective"], printed["checked"]) == (8, True)
    with pytest.raises(ProblemError, match="makespan"):
        solve_file(file, time_limit_s=1, workers=1, objective="flow_time")
