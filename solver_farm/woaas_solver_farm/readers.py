"""Readers of the research community's shop texts, as problems that minimise the makespan.

``.fjs`` (Brandimarte): jobs, machines, then a line a job: operations, and for each its alternatives as pairs of
machine (counted from 1) and duration; then, where there are sequence-dependent set-ups, for each machine a matrix of
operations. ``.jsp`` (OR-Library): jobs, machines, then pairs of machine (from 0) and duration, closed by -1 -1 or not.
``.txt`` (Ruiz): jobs, machines, a line of durations a job, then for each machine a matrix of jobs: a permutation flow
shop. The first job or operation on a machine needs no set-up.
"""

import zipfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from .objective import minimise
from .problem import MAX_TICK, Job, Machine, Mode, Operation, Problem, decode
from .problem_errors import Fault, ProblemError

Modes = tuple[tuple[int, int], ...]
Rows = list[list[str]]

_MOST_BYTES = 2**26


def read_problem(path: Path) -> Problem:
    """The problem in a file, by its ending: ``.fjs``, ``.jsp``, ``.txt`` or ``.json``; a zip of one file is opened.

    Raises:
        ProblemError: the file is not of that format.
        OSError: the file cannot be read.
    """
    readers: dict[str, Callable[[str], Problem]] = {
        ".fjs": read_fjs,
        ".jsp": read_jsp,
        ".txt": read_flow_shop,
        ".json": decode,
    }
    if path.suffix not in readers:
        raise _malformed(f"{path.name}: expected a file that ends in {', '.join(readers)}")
    try:
        return readers[path.suffix](_bytes(path).decode())
    except UnicodeDecodeError:
        raise _malformed(f"{path.name} is not a text file") from None


def read_fjs(text: str) -> Problem:
    """A flexible job shop, with set-ups if matrices follow the jobs.

    Raises:
        ProblemError: numbers missing, left over or out of range.
    """

    def operation(numbers: Iterator[int]) -> Modes:
        return tuple((next(numbers) - 1, next(numbers)) for _ in range(next(numbers)))

    rows = _rows(text)
    # The third figure of the header, the mean number of alternatives, may be a fraction or absent.
    jobs, machines = _header(rows, words=(2, 3))
    read = [
        _job(j, row, lambda numbers: [operation(numbers) for _ in range(next(numbers))])
        for j, row in enumerate(_integers(rows[1 : jobs + 1]))
    ]
    operations = [modes for job in read for modes in job]
    matrices = _matrices(_integers(rows[jobs + 1 :]), machines, len(operations))
    _expect(len(rows) > jobs, f"expected {jobs} lines of jobs, found {len(rows) - 1}")
    return _job_shop(read, machines, matrices)


def read_jsp(text: str) -> Problem:
    """A job shop: every job visits its machines in the order given, as often as given.

    Raises:
        ProblemError: numbers missing, left over or out of range.
    """

    def job(numbers: Iterator[int]) -> list[Modes]:
        given = list(numbers)
        given = given[:-2] if given[-2:] == [-1, -1] else given
        _expect(len(given) % 2 == 0, "a line has a machine without a duration")
        return [((given[i], given[i + 1]),) for i in range(0, len(given), 2)]

    rows = _rows(text)
    jobs, machines = _header(rows, words=(2,))
    _expect(len(rows) == jobs + 1, f"expected {jobs} lines of jobs, found {len(rows) - 1}")
    return _job_shop([_job(j, row, job) for j, row in enumerate(_integers(rows[1:]))], machines, [])


def read_flow_shop(text: str) -> Problem:
    """A permutation flow shop with sequence-dependent set-ups.

    Raises:
        ProblemError: numbers missing, left over or out of range.
    """
    rows = _rows(text)
    if len(rows) < 2 or len(rows[0]) != 1 or len(rows[1]) != 1:
        raise _malformed("a .txt is a flow shop with set-ups (jobs, then machines); name job shops .jsp or .fjs")
    (jobs, machines), lines = _header([rows[0] + rows[1]], words=(2,)), _integers(rows[2:])
    _expect(len(lines) > jobs and all(len(line) == machines for line in lines[:jobs]), f"expected {jobs} lines of "
            f"{machines} durations and then the set-ups")  # fmt: skip
    shop: list[list[Modes]] = [
        [((machine, duration),) for machine, duration in enumerate(line)] for line in lines[:jobs]
    ]
    _expect_range(shop, machines)
    matrices = _matrices(lines[jobs:], machines, jobs)
    return Problem(
        machines=tuple(Machine(id=f"M{m}", setup_matrix=f"M{m}") for m in range(machines)),
        jobs=tuple(_chain(j, operations, setup_groups=[f"J{j}"] * machines) for j, operations in enumerate(shop)),
        setup_matrices={
            f"M{m}": {
                f"J{a}": {f"J{b}": setup for b, setup in enumerate(row) if setup and a != b} for a, row in enumerate(m_)
            }
            for m, m_ in enumerate(matrices)
        },
        objective=minimise("makespan"),
        permutation=True,
    )


def _bytes(path: Path) -> bytes:
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        _expect(len(members) == 1, f"{path.name}: expected an archive of one file, found {len(members)}")
        _expect(members[0].file_size <= _MOST_BYTES, f"{path.name}: more than {_MOST_BYTES >> 20} MiB unpacked")
        return archive.read(members[0])


def _rows(text: str) -> Rows:
    return [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _header(rows: Rows, *, words: tuple[int, ...]) -> tuple[int, int]:
    first = rows[0] if rows else []
    is_header = len(first) in words and all(word.isdecimal() and int(word) > 0 for word in first[:2])
    _expect(is_header, "expected the number of jobs and of machines in the first line")
    return int(first[0]), int(first[1])


def _integers(rows: Rows) -> list[list[int]]:
    try:
        return [[int(word) for word in row] for row in rows]
    except ValueError:
        raise _malformed("expected whole numbers") from None


def _job(j: int, row: list[int], read: Callable[[Iterator[int]], list[Modes]]) -> list[Modes]:
    numbers = iter(row)
    try:
        operations = read(numbers)
    except (StopIteration, RuntimeError):
        raise _malformed(f"job {j}: the line ends too early") from None
    _expect(next(numbers, None) is None, f"job {j}: numbers left over")
    _expect(bool(operations) and all(operations), f"job {j}: nothing to do, or an operation without a machine")
    return operations


def _matrices(lines: list[list[int]], machines: int, size: int) -> list[list[list[int]]]:
    """For each machine, the set-up from the item of a row to that of a column; none if there are no lines."""
    if not lines:
        return []
    _expect(
        len(lines) == machines * size and all(len(line) == size for line in lines),
        f"expected {machines} set-up matrices of {size} by {size}, or none",
    )
    _expect(all(0 <= setup <= MAX_TICK for line in lines for setup in line), "a set-up is out of range")
    return [lines[m * size : (m + 1) * size] for m in range(machines)]


def _expect_range(jobs: list[list[Modes]], machines: int) -> None:
    for j, operations in enumerate(jobs):
        fits = all(0 <= m < machines and 0 <= d <= MAX_TICK for modes in operations for m, d in modes)
        _expect(fits, f"job {j}: a machine or duration is out of range")


def _job_shop(jobs: list[list[Modes]], machines: int, matrices: list[list[list[int]]]) -> Problem:
    _expect_range(jobs, machines)
    named = [_chain(j, operations) for j, operations in enumerate(jobs)]
    if matrices:
        named = [
            _chain(j, operations, [f"J{j}.{i}" for i in range(len(operations))]) for j, operations in enumerate(jobs)
        ]
    return Problem(
        machines=tuple(Machine(id=f"M{m}", setup_matrix=f"M{m}" if matrices else None) for m in range(machines)),
        jobs=tuple(named),
        setup_matrices={f"M{m}": _among_able(named, f"M{m}", matrix) for m, matrix in enumerate(matrices)},
        objective=minimise("makespan"),
    )


def _among_able(jobs: list[Job], machine: str, matrix: list[list[int]]) -> dict[str, dict[str, int]]:
    """The rows and columns of the operations the machine can do: elsewhere the texts have huge numbers."""
    operations = [operation for job in jobs for operation in job.operations]
    able = [i for i, operation in enumerate(operations) if any(mode.machine == machine for mode in operation.modes)]
    return {operations[a].id: {operations[b].id: matrix[a][b] for b in able if a != b and matrix[a][b]} for a in able}


def _chain(j: int, operations: list[Modes], setup_groups: list[str] | None = None) -> Job:
    ids = [f"J{j}.{i}" for i in range(len(operations))]
    before = dict((after, one) for one, after in pairwise(ids))
    return Job(
        id=f"J{j}",
        operations=tuple(
            Operation(
                id=name,
                modes=tuple(Mode(machine=f"M{machine}", duration=duration) for machine, duration in modes),
                predecessors=(before[name],) if name in before else (),
                setup_group=setup_groups[i] if setup_groups else None,
            )
            for i, (name, modes) in enumerate(zip(ids, operations, strict=True))
        ),
    )


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _malformed(otherwise)


def _malformed(detail: str) -> ProblemError:
    return ProblemError([Fault("", "malformed", detail)])
