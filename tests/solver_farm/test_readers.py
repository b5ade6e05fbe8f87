"""The research formats become problems that say the same."""

from pathlib import Path

import pytest

from woaas_solver_farm.problem_errors import ProblemError
from woaas_solver_farm.readers import read_fjs, read_jsp, read_problem

FJS = """2 3 1.5
 2   2  1 4  2 6   1  3 5
 1   3  1 7  2 8  3 9
"""
JSP = "2 2\n0 3 1 4\n1 2 0 5\n"


class TestFjs:
    def test_machines_count_from_one_and_alternatives_become_modes(self) -> None:
        problem = read_fjs(FJS)
        first, second = problem.jobs[0].operations
        assert [machine.id for machine in problem.machines] == ["M0", "M1", "M2"]
        assert [(mode.machine, mode.duration) for mode in first.modes] == [("M0", 4), ("M1", 6)]
        assert [(mode.machine, mode.duration) for mode in second.modes] == [("M2", 5)]
        assert second.predecessors == (first.id,)
        assert len(problem.jobs[1].operations[0].modes) == 3

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "2 3 1.5\n1 1 1 4\n",
            "1 1\n1 1 2 4\n",
            "1 1\n2 1 1 4\n",
            "1 1\n1 1 1 4 9\n",
            "1 1\n1 one 1 4\n",
            "1\n1\n",
        ],
        ids=["empty", "job missing", "machine out of range", "cut short", "left over", "word", "header"],
    )
    def test_what_is_not_the_format_is_refused(self, text: str) -> None:
        with pytest.raises(ProblemError):
            read_fjs(text)


class TestJsp:
    def test_machines_count_from_zero(self) -> None:
        problem = read_jsp(JSP)
        assert [(o.modes[0].machine, o.modes[0].duration) for o in problem.jobs[1].operations] == [("M1", 2), ("M0", 5)]


class TestReadProblem:
    def test_the_ending_says_which_format(self, tmp_path: Path) -> None:
        for name, text in (("a.fjs", FJS), ("b.jsp", JSP), ("c.json", '{"machines":[],"jobs":[]}')):
            (tmp_path / name).write_text(text)
        assert len(read_problem(tmp_path / "a.fjs").machines) == 3
        assert len(read_problem(tmp_path / "b.jsp").machines) == 2
        assert read_problem(tmp_path / "c.json").jobs == ()

    def test_a_file_that_is_no_text_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsp").write_bytes(b"PK\x03\x04\xff\xfe")
        with pytest.raises(ProblemError):
            read_problem(tmp_path / "a.jsp")
