"""The research formats become problems that say the same."""

import zipfile
from pathlib import Path

import pytest

from woaas_solver_farm.problem_errors import ProblemError
from woaas_solver_farm.problem_validation import faults
from woaas_solver_farm.readers import read_fjs, read_flow_shop, read_jsp, read_problem

FJS = """2 3 1.5
 2   2  1 4  2 6   1  3 5
 1   3  1 7  2 8  3 9
"""
FJS_WITH_SETUPS = """1 2 1
2  2 1 4 2 6  1 2 5

9 99
99 99
7 3
2 8
"""
JSP = "2 2\n0 3 1 4\n1 2 0 5\n"
FLOW_SHOP = """2
3
4 5 6
7 8 9
0 1
2 0
0 3
4 0
0 5
6 0
"""


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
            "1 1\n1 0\n",
            "1 1\n0\n",
            FJS_WITH_SETUPS + "1 1\n",
            FJS_WITH_SETUPS.replace("2 8", "2"),
            FJS_WITH_SETUPS.replace("3", "-3"),
        ],
        ids=[
            "empty",
            "job missing",
            "machine out of range",
            "cut short",
            "left over",
            "word",
            "header",
            "no machine",
            "no operation",
            "a row of set-ups too many",
            "a set-up missing",
            "a set-up below zero",
        ],
    )
    def test_what_is_not_the_format_is_refused(self, text: str) -> None:
        with pytest.raises(ProblemError):
            read_fjs(text)

    def test_set_ups_are_between_the_operations_a_machine_can_do(self) -> None:
        problem = read_fjs(FJS_WITH_SETUPS)
        assert [machine.setup_matrix for machine in problem.machines] == ["M0", "M1"]
        assert [o.setup_group for o in problem.jobs[0].operations] == ["J0.0", "J0.1"]
        assert problem.setup_matrices == {"M0": {"J0.0": {}}, "M1": {"J0.0": {"J0.1": 3}, "J0.1": {"J0.0": 2}}}
        assert faults(problem) == []


class TestJsp:
    def test_machines_count_from_zero(self) -> None:
        problem = read_jsp(JSP)
        assert [(o.modes[0].machine, o.modes[0].duration) for o in problem.jobs[1].operations] == [("M1", 2), ("M0", 5)]

    def test_jobs_may_have_lines_of_any_length_and_an_end_mark(self) -> None:
        problem = read_jsp("2 2\n0 3 1 4 0 5 -1 -1\n1 2 -1 -1\n")
        assert [len(job.operations) for job in problem.jobs] == [3, 1]

    @pytest.mark.parametrize("text", ["1 1\n0 3 1\n", "1 1\n1 3\n", "1 1\n-1 -1\n", "2 1\n0 3\n", "1 1 1\n0 3\n"])
    def test_what_is_not_the_format_is_refused(self, text: str) -> None:
        with pytest.raises(ProblemError):
            read_jsp(text)


class TestFlowShop:
    def test_all_machines_take_the_jobs_in_one_order_with_set_ups_between_jobs(self) -> None:
        problem = read_flow_shop(FLOW_SHOP)
        assert problem.permutation
        assert [[o.modes[0].duration for o in job.operations] for job in problem.jobs] == [[4, 5, 6], [7, 8, 9]]
        assert problem.setup_matrices["M1"] == {"J0": {"J1": 3}, "J1": {"J0": 4}}
        assert faults(problem) == []

    @pytest.mark.parametrize(
        "text",
        ["", "2 3\n", JSP, FJS, FLOW_SHOP + "1 2\n", FLOW_SHOP.replace("4 5 6", "4 5"), "1\n1\n"],
        ids=["empty", "cut short", "job shop", "flexible", "left over", "a duration missing", "no durations"],
    )
    def test_what_is_not_the_format_is_refused(self, text: str) -> None:
        with pytest.raises(ProblemError):
            read_flow_shop(text)


class TestReadProblem:
    def test_the_ending_says_which_format(self, tmp_path: Path) -> None:
        files = (("a.fjs", FJS), ("b.jsp", JSP), ("c.json", '{"machines":[],"jobs":[]}'), ("d.txt", FLOW_SHOP))
        for name, text in files:
            (tmp_path / name).write_text(text)
        assert read_problem(tmp_path / "d.txt").permutation
        assert len(read_problem(tmp_path / "a.fjs").machines) == 3
        assert len(read_problem(tmp_path / "b.jsp").machines) == 2
        assert read_problem(tmp_path / "c.json").jobs == ()

    def test_a_file_that_is_no_text_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsp").write_bytes(b"PK\x03\x04\xff\xfe")
        with pytest.raises(ProblemError):
            read_problem(tmp_path / "a.jsp")

    @pytest.mark.parametrize(("name", "expected"), [("a.txt", "name job shops"), ("a.psplib", "ends in .fjs")])
    def test_what_the_ending_cannot_tell_is_refused_with_a_hint(self, tmp_path: Path, name: str, expected: str) -> None:
        (tmp_path / name).write_text(JSP)
        with pytest.raises(ProblemError, match=expected):
            read_problem(tmp_path / name)

    def test_an_archive_of_one_file_is_opened(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.jsp", "w") as archive:
            archive.writestr("inside", JSP)
        assert len(read_problem(tmp_path / "a.jsp").jobs) == 2
        with zipfile.ZipFile(tmp_path / "b.jsp", "w") as archive:
            archive.writestr("one", JSP)
            archive.writestr("two", JSP)
        with pytest.raises(ProblemError, match="archive of one file"):
            read_problem(tmp_path / "b.jsp")
