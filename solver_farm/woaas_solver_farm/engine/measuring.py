"""A plan's sums, as a whole or by how a change alters them: the metrics, and operations without a place."""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.problem import METRICS

from .calendars import NEVER
from .decoding import (
    CHANGES,
    FLOW,
    LATE,
    MAKESPAN,
    OUTSOURCING,
    SETUP,
    SUMS,
    TARDY,
    UNPLACED,
    WEIGHTED,
)
from .flat import (
    BASELINE_MACHINE,
    BASELINE_START,
    COST,
    DUE,
    FIRST_OPERATION,
    JOB_RELEASE,
    MACHINE,
    WEIGHT,
    Flat,
    at,
    number_at,
)
from .jit import kernel
from .places import END, MODE, SETTING, START
from .tables import OUTSIDE, Tables

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_LEVEL = 1e4
_UNPLACED_PRICE = 1e13


def prices_of(t: Tables) -> Floats:
    """What a unit of each sum costs in a search's energy; earlier levels outweigh later ones."""
    prices = np.zeros(SUMS)
    for depth, level in enumerate(t.goals):
        prices[: len(METRICS)] += level * _LEVEL ** (len(t.goals) - 1 - depth)
    prices[UNPLACED] = _UNPLACED_PRICE * max(1.0, prices.max())
    return prices


@kernel
def measure(t: Flat, places: Ints, job_end: Ints) -> Floats:
    """The sums of a whole plan; fills in the end of every job, NEVER for one that is not whole."""
    sums = np.zeros(SUMS)
    for job in range(job_end.size):
        job_end[job] = -NEVER
        for operation in range(at(t, FIRST_OPERATION, job), at(t, FIRST_OPERATION, job + 1)):
            add_operation(t, places, operation, sums, 1)
            job_end[job] = max(job_end[job], places[operation, END] if places[operation, MODE] >= 0 else NEVER)
        add_job(t, job, job_end[job], sums, 1)
    sums[MAKESPAN] = makespan(job_end, job_end, job_end, NEVER)
    return sums


@kernel
def add_operation(t: Flat, places: Ints, operation: int, sums: Floats, sign: int) -> None:
    """Add what one operation's place counts for; ``sign`` -1 takes it away."""
    mode = places[operation, MODE]
    machine = at(t, MACHINE, mode) if mode >= 0 else -4
    if mode < 0:
        sums[UNPLACED] += sign
    elif machine == OUTSIDE:
        sums[OUTSOURCING] += sign * number_at(t, COST, mode)
    sums[SETUP] += sign * places[operation, SETTING]
    if at(t, BASELINE_MACHINE, operation) != -2 and (
        machine != at(t, BASELINE_MACHINE, operation) or places[operation, START] != at(t, BASELINE_START, operation)
    ):
        sums[CHANGES] += sign


@kernel
def add_job(t: Flat, job: int, end: int, sums: Floats, sign: int) -> None:
    """Add what a job's end counts for, except to the makespan; ``sign`` -1 takes it away."""
    if end >= NEVER:
        sums[LATE] += sign * (at(t, DUE, job) < NEVER)  # without a due time an order is never late
        return
    late = max(0, end - at(t, DUE, job))
    sums[TARDY] += sign * late
    sums[WEIGHTED] += sign * number_at(t, WEIGHT, job) * late
    sums[LATE] += sign * (late > 0)
    sums[FLOW] += sign * (end - at(t, JOB_RELEASE, job))


@kernel
def makespan(job_end: Ints, changed_end: Ints, changed: Ints, stamp: int) -> int:
    """The last end of a whole job; where ``changed`` bears the stamp the changed end counts."""
    last = 0
    for job in range(job_end.size):
        end = changed_end[job] if changed[job] == stamp else job_end[job]
        if end < NEVER:
            last = max(last, end)
    return last


@kernel
def energy_of(prices: Floats, sums: Floats) -> float:
    """The one number a search compares."""
    energy = 0.0
    for i in range(SUMS):
        energy += prices[i] * sums[i]
    return energy
