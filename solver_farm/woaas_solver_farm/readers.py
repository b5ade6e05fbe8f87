"""Readers of the research community's job-shop texts, as problems that minimise the makespan.

``.fjs`` (Brandimarte): jobs, machines, then a line a job: operations, and for each its alternatives as pairs of
machine (counted from 1) and duration. ``.jsp`` (OR-Library): jobs, machines, then pairs of machine (from 0) and
duration.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from .objective import minimise
from .problem import Job, Machine, Mode, Operation, Problem, decode
from .problem_errors import Fault, ProblemError


def read_problem(path: Path) -> Problem:
    """The problem in a file, by its ending: ``.fjs``, ``.jsp`` or ``.json``.

    Raises:
        ProblemError: the file is not of that format.
        OSError: the file cannot be read.
    """
    readers: dict[str, Callable[[str], Problem]] = {".fjs": read_fjs, ".jsp": read_jsp}
    try:
        return readers.get(path.suffix, decode)(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ProblemError([Fault("", "malformed", f"{path.name} is not a text file")]) from None


def read_fjs(text: str) -> Problem:
    """A flexible job shop. Set-up matrices after the jobs are not read: that variant is refused.

    Raises:
        ProblemError: numbers missing, left over or out of range.
    """

    def operation(numbers: Iterator[int]) -> tuple[tuple[int, int], ...]:
        return tuple((next(numbers) - 1, next(numbers)) for _ in range(next(numbers)))

    lines = _lines(text, header=3)
    return _job_shop(lines, lambda numbers: [operation(numbers) for _ in range(next(numbers))])


def read_jsp(text: str) -> Problem:
    """A job shop: every job visits its machines in the order given.

    Raises:
        ProblemError: numbers missing, left over or out of range.
    """
    lines = _lines(text, header=2)
    machine_count = lines[0][1]
    return _job_shop(lines, lambda numbers: [((next(numbers), next(numbers)),) for _ in range(machine_count)])


def _lines(text: str, *, header: int) -> list[list[int]]:
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    try:
        # The third figure of an .fjs header, the mean number of alternatives, may be a fraction or absent.
        lines = [[int(word) for word in rows[0][:2]], *([int(word) for word in row] for row in rows[1:])]
    except (ValueError, IndexError):
        raise _malformed("expected whole numbers") from None
    if len(lines[0]) != 2 or len(rows[0]) > header or min(lines[0]) < 1:
        raise _malformed("expected the number of jobs and of machines in the first line")
    if len(lines) - 1 != lines[0][0]:
        raise _malformed(f"expected {lines[0][0]} lines of jobs, found {len(lines) - 1}")
    return lines


def _job_shop(
    lines: list[list[int]], read_job: Callable[[Iterator[int]], list[tuple[tuple[int, int], ...]]]
) -> Problem:
    machine_count = lines[0][1]
    jobs: list[Job] = []
    for j, line in enumerate(lines[1:]):
        numbers = iter(line)
        try:
            operations = read_job(numbers)
        except (StopIteration, RuntimeError):
            raise _malformed(f"job {j}: the line ends too early") from None
        if next(numbers, None) is not None:
            raise _malformed(f"job {j}: numbers left over")
        if any(not (0 <= m < machine_count and d >= 0) for modes in operations for m, d in modes):
            raise _malformed(f"job {j}: a machine or duration is out of range")
        jobs.append(_chain(f"J{j}", operations))
    machines = tuple(Machine(id=f"M{m}") for m in range(machine_count))
    return Problem(machines=machines, jobs=tuple(jobs), objective=minimise("makespan"))


def _chain(name: str, operations: list[tuple[tuple[int, int], ...]]) -> Job:
    return Job(
        id=name,
        operations=tuple(
            Operation(
                id=f"{name}.{i}",
                modes=tuple(Mode(machine=f"M{machine}", duration=duration) for machine, duration in modes),
                predecessors=(f"{name}.{i - 1}",) if i else (),
            )
            for i, modes in enumerate(operations)
        ),
    )


def _malformed(detail: str) -> ProblemError:
    return ProblemError([Fault("", "malformed", detail)])
