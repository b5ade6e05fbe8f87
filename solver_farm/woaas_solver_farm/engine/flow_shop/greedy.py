"""Iterated greedy (Ruiz and Stützle 2008): take some jobs out, put each back at its best place, polish, accept or not.

What is left after taking jobs out is polished too (Dubois-Lacoste, Pagnozzi and Stützle 2017). A walk is a pure
function of its numbers: the same seed and steps give the same plan.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.jit import kernel
from woaas_solver_farm.engine.moves import random_below

from .insertion import Times, best_place, makespan_of, new_times, put_in, take_out
from .line import Line

Ints = npt.NDArray[np.int64]

_FEWEST_OUT, _MOST_OUT = 2, 4
_TEMPERATURE = 0.5
_FAR = 2**62
# Columns of ``counts``: makespan now and best ever, how often the best got better, steps since.
NOW, BEST, FOUND, STALE = range(4)


class Walk(NamedTuple):
    """One search in progress; its arrays change in place. ``jobs`` and ``trial`` are scratch."""

    sequence: Ints
    best: Ints
    trial: Ints
    jobs: Ints
    times: Times
    counts: Ints
    warmth: float
    numbers: npt.NDArray[np.uint64]


def start_walk(line: Line, sequence: Ints | None, seed: int) -> Walk:
    """A walk from a sequence, or from that of Nawaz, Enscore and Ham (1983) where none is given."""
    jobs, machines = line.duration.shape
    numbers = np.array([(seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) % 2**64 | 1], np.uint64)
    times, longest_first = new_times(line), np.argsort(-line.duration.sum(1), kind="stable")
    first = longest_first.copy() if sequence is None else sequence.copy()
    if sequence is None:
        build(line, first, longest_first, times, numbers)
    makespan = makespan_of(line, first, jobs, times)
    return Walk(
        sequence=first,
        best=first.copy(),
        trial=first.copy(),
        jobs=first.copy(),
        times=times,
        counts=np.array([makespan, makespan, 0, 0], np.int64),
        warmth=_TEMPERATURE * float(line.duration.sum()) / (jobs * machines * 10),
        numbers=numbers,
    )


def stand_at(walk: Walk, sequence: Ints, makespan: int) -> None:
    """Let a walk go on from a sequence found elsewhere; if better than its own, it is its best now."""
    walk.sequence[:] = sequence
    walk.counts[NOW], walk.counts[STALE] = makespan, 0
    if makespan < walk.counts[BEST]:
        walk.best[:] = sequence
        walk.counts[BEST] = makespan


@kernel
def build(line: Line, sequence: Ints, jobs: Ints, times: Times, numbers: npt.NDArray[np.uint64]) -> None:
    """Put the jobs one after another at their best places."""
    for size in range(jobs.size):
        place, _ = best_place(line, sequence, size, jobs[size], times, numbers)
        put_in(sequence, size, jobs[size], place)


@kernel
def run(line: Line, walk: Walk, steps: int, target: int) -> bool:
    """Take so many steps, or as many as it takes to reach the target; true if a better sequence was found."""
    before = walk.counts[FOUND]
    for _ in range(steps):
        if walk.counts[BEST] <= target:
            break
        step(line, walk)
    return walk.counts[FOUND] > before


@kernel
def step(line: Line, walk: Walk) -> None:
    """Take jobs out and put them back; keep the new sequence if it is better, or by lot if it is little worse."""
    counts, numbers, trial, count = walk.counts, walk.numbers, walk.trial, walk.sequence.size
    for i in range(count):
        trial[i] = walk.sequence[i]
    out = min(count, _FEWEST_OUT + random_below(numbers, _MOST_OUT - _FEWEST_OUT + 1))
    taken = np.empty(out, np.int64)
    for i in range(out):
        taken[i] = take_out(trial, count - i, random_below(numbers, count - i))
    polish(line, walk, count - out, _FAR)
    makespan = 0
    for i in range(out):
        place, makespan = best_place(line, trial, count - out + i, taken[i], walk.times, numbers)
        put_in(trial, count - out + i, taken[i], place)
    makespan = polish(line, walk, count, makespan)
    counts[STALE] += 1
    worse = makespan - counts[NOW]
    if worse <= 0 or random_below(numbers, 2**30) < 2**30 * math.exp(-worse / max(walk.warmth, 1e-9)):
        counts[NOW] = makespan
        for i in range(count):
            walk.sequence[i] = trial[i]
    if makespan < counts[BEST]:
        counts[BEST], counts[STALE] = makespan, 0
        counts[FOUND] += 1
        for i in range(count):
            walk.best[i] = trial[i]


@kernel
def polish(line: Line, walk: Walk, size: int, makespan: int) -> int:
    """Move single jobs of the trial to better places, in an order by lot, until none gains; the makespan then."""
    trial, jobs, numbers = walk.trial, walk.jobs, walk.numbers
    improves = size > 1
    while improves:
        improves = False
        for i in range(size):
            jobs[i] = trial[i]
        for i in range(size):
            j = i + random_below(numbers, size - i)
            jobs[i], jobs[j] = jobs[j], jobs[i]
        for i in range(size):
            origin = 0
            while trial[origin] != jobs[i]:
                origin += 1
            take_out(trial, size, origin)
            place, found = best_place(line, trial, size - 1, jobs[i], walk.times, numbers)
            if found < makespan:
                makespan, improves = found, True
            else:
                place = origin if found > makespan else place
            put_in(trial, size - 1, jobs[i], place)
    return makespan
