"""The best place for a job in a sequence, all places in the time one sequence takes (Taillard 1990; with set-ups
Ruiz and Stützle 2008): heads of the jobs before, tails of those after, and the job between them.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.jit import kernel
from woaas_solver_farm.engine.moves import random_below

from .line import Line

Ints = npt.NDArray[np.int64]

_FAR = 2**62


class Times(NamedTuple):
    """By place and machine: when the job there ends, and the longest way from its start to the end of everything.

    ``late`` is by place: the longest way that begins with a release at that place or behind it.
    """

    end: Ints
    rest: Ints
    late: Ints
    inserted: Ints


def new_times(line: Line) -> Times:
    """Room for the longest sequence."""
    jobs, machines = line.duration.shape
    end, rest = (np.zeros((jobs + 1, machines), np.int64) for _ in range(2))
    return Times(end, rest, np.zeros(jobs + 1, np.int64), np.zeros(machines, np.int64))


@kernel
def makespan_of(line: Line, sequence: Ints, size: int, times: Times) -> int:
    """When the first ``size`` jobs of a sequence are done; fills ``end``."""
    duration, lag, release, kind, setup = line
    end = times.end
    machines, before = duration.shape[1], duration.shape[0]
    longest = 0
    for place in range(size):
        job = sequence[place]
        ready = 0
        for k in range(machines):
            start = max(release[job, k], ready + lag[job, k])
            free = (
                setup[kind[before], kind[job], k]
                if place == 0
                else end[place - 1, k] + setup[kind[before], kind[job], k]
            )
            start = max(start, free)
            ready = start + duration[job, k]
            end[place, k] = ready
        longest = max(longest, ready)
        before = job
    return longest


@kernel
def look_back(line: Line, sequence: Ints, size: int, times: Times) -> None:
    """Fill ``rest`` and ``late``."""
    duration, lag, release, kind, setup = line
    rest, late = times.rest, times.late
    machines = duration.shape[1]
    late[size] = 0
    after = -1
    for place in range(size - 1, -1, -1):
        job = sequence[place]
        way = 0
        longest = late[place + 1]
        for k in range(machines - 1, -1, -1):
            if k < machines - 1:
                way += lag[job, k + 1]
            if after >= 0:
                beside = setup[kind[job], kind[after], k] + rest[place + 1, k]
                way = max(way, beside)
            way += duration[job, k]
            rest[place, k] = way
            released = release[job, k] + way
            longest = max(longest, released)
        late[place] = longest
        after = job


@kernel
def best_place(
    line: Line, sequence: Ints, size: int, job: int, times: Times, numbers: npt.NDArray[np.uint64]
) -> tuple[int, int]:
    """Where to insert a job among the first ``size``, of equally good places one by lot, and the makespan then."""
    makespan_of(line, sequence, size, times)
    look_back(line, sequence, size, times)
    duration, lag, release, kind, setup = line
    end, rest, late, inserted = times
    machines, none = duration.shape[1], duration.shape[0]
    best, best_place, ties = _FAR, 0, 0
    for place in range(size + 1):
        before = none if place == 0 else sequence[place - 1]
        ready, longest = 0, late[place]
        for k in range(machines):
            start = max(release[job, k], ready + lag[job, k])
            free = (
                setup[kind[before], kind[job], k]
                if place == 0
                else end[place - 1, k] + setup[kind[before], kind[job], k]
            )
            start = max(start, free)
            ready = start + duration[job, k]
            inserted[k] = ready
        longest = max(longest, ready)
        if place < size:
            after = sequence[place]
            for k in range(machines):
                through = inserted[k] + setup[kind[job], kind[after], k] + rest[place, k]
                longest = max(longest, through)
                if longest > best:
                    break
        if longest < best:
            best, best_place, ties = longest, place, 1
        elif longest == best:
            ties += 1
            if random_below(numbers, ties) == 0:
                best_place = place
    return best_place, best


@kernel
def put_in(sequence: Ints, size: int, job: int, place: int) -> None:
    """Make room at a place among the first ``size`` and put a job there."""
    for i in range(size, place, -1):
        sequence[i] = sequence[i - 1]
    sequence[place] = job


@kernel
def take_out(sequence: Ints, size: int, place: int) -> int:
    """Take the job at a place out of the first ``size`` and close the gap."""
    job = sequence[place]
    for i in range(place, size - 1):
        sequence[i] = sequence[i + 1]
    return int(job)
