"""A flow line as arrays by job and machine: the problems in which a plan is nothing but one sequence of jobs."""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.decoding import MAKESPAN, Genes
from woaas_solver_farm.engine.tables import Tables
from woaas_solver_farm.flow_line import line_of
from woaas_solver_farm.problem import Problem

Ints = npt.NDArray[np.int64]


class Line(NamedTuple):
    """All by job, then by machine in the order they are passed; times in ticks.

    ``lag`` is the least time between the machine before and this one, ``release`` when the operation may start.
    ``setup`` is by the kind of the job before, the kind of the job, and the machine; ``kind`` has one entry more, for
    no job before.
    """

    duration: Ints
    lag: Ints
    release: Ints
    kind: Ints
    setup: Ints


def line_tables(problem: Problem, t: Tables) -> Line | None:
    """The problem as a flow line, or None if it is none, or wants more than a short makespan."""
    wants_makespan = t.goals.shape[0] == 1 and t.goals[0][MAKESPAN] > 0 and not np.delete(t.goals[0], MAKESPAN).any()
    machines = line_of(problem) if wants_makespan else None
    if machines is None:
        return None
    shape = (t.due.size, len(machines))
    lag = np.zeros(t.job_of.size, np.int64)
    lag[np.repeat(np.arange(t.job_of.size), np.diff(t.first_pred))] = t.pred_lag
    kind, setup = _setups(t, *shape)
    return Line(t.duration.reshape(shape), lag.reshape(shape), t.release.reshape(shape), kind, setup)


def genes_of_sequence(t: Tables, sequence: Ints) -> Genes:
    """The genes of the plan in which every machine takes the jobs in this sequence."""
    count = t.job_of.size // sequence.size
    order = (sequence[:, None] * count + np.arange(count)).ravel()
    return Genes(order, np.arange(t.job_of.size), t.release.copy(), np.full(t.job_of.size, -1, np.int64))


def sequence_of_genes(t: Tables, genes: Genes) -> Ints:
    """The jobs by their first places in an order of operations."""
    jobs = t.job_of[genes.order]
    return jobs[np.sort(np.unique(jobs, return_index=True)[1])]


def _setups(t: Tables, jobs: int, count: int) -> tuple[Ints, Ints]:
    """Jobs alike in all set-ups as one kind, and the set-ups between kinds."""
    group, own = t.group.reshape(jobs, count), t.setup.reshape(jobs, count)
    machine = t.machine[:count]
    matters = t.machine_matrix[machine] >= 0
    alike = np.concatenate((np.where(matters, group, -1), own), axis=1)
    kinds, kind = np.unique(alike, axis=0, return_inverse=True)
    setup = np.zeros((len(kinds) + 1, len(kinds), count), np.int64)
    for k in np.flatnonzero(matters):
        groups = kinds[:, k]
        before = np.append(groups, t.machine_group[machine[k]])
        known = (before[:, None] >= 0) & (groups[None, :] >= 0)
        setup[:, :, k] = np.where(known, t.setup_matrix[t.machine_matrix[machine[k]]][np.ix_(before, groups)], 0)
    setup += kinds[None, :, count:]
    return np.append(kind.ravel(), len(kinds)), setup
