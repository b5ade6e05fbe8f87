"""Shop files in the formats of the literature, and real instances where they are at hand."""

import os
from pathlib import Path

import pytest

from woaas_solver_farm.cli_solve import solve_file
from woaas_solver_farm.problem_errors import ProblemError
from woaas_solver_farm.readers import read_problem

FJS = """2 2 1.5
2 2 1 3 2 4 1 2 2
1 1 1 5
"""
JSP = """2 2
0 3 1 2
1 4 0 2
"""
# Best known makespans of the flexible job shops of Brandimarte (1993).
BEST_KNOWN = {"mk01": 40, "mk03": 204}


class TestOurOwnFiles:
    def test_a_flexible_job_shop(self, tmp_path: Path) -> None:
        (tmp_path / "small.fjs").write_text(FJS)
        problem = read_problem(tmp_path / "small.fjs")
        assert [len(j.operations) for j in problem.jobs] == [2, 1]
        assert [m.duration for m in problem.jobs[0].operations[0].modes] == [3, 4]
        shown = solve_file(tmp_path / "small.fjs", time_limit_s=5, workers=1, objective="makespan")
        assert (shown["status"], shown["objective"], shown["checked"]) == ("optimal", 6, True)

    def test_a_job_shop(self, tmp_path: Path) -> None:
        (tmp_path / "small.jsp").write_text(JSP)
        shown = solve_file(tmp_path / "small.jsp", time_limit_s=5, workers=1, objective="makespan")
        assert (shown["status"], shown["objective"]) == ("optimal", 6)

    @pytest.mark.parametrize("text", ["", "2 2\n1 1", "1 1\n1 1 9 5\n", "x y\n"])
    def test_a_broken_file_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "broken.fjs").write_text(text)
        with pytest.raises(ProblemError):
            read_problem(tmp_path / "broken.fjs")


@pytest.mark.slow
@pytest.mark.parametrize("name", BEST_KNOWN)
def test_a_known_instance_comes_close_to_its_best_known_makespan(name: str) -> None:
    root = Path(os.environ.get("WOAAS_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    file = root / "scheduling" / "fjsp" / f"{name}.fjs"
    if not file.exists():
        pytest.skip(f"the benchmark instances are not at {file.parent}")
    shown = solve_file(file, time_limit_s=8, workers=2, objective="makespan")
    assert shown["checked"]
    assert shown["objective"] <= 1.1 * BEST_KNOWN[name]
