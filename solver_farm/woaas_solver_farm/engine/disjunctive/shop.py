"""A plain (flexible) job shop: the problems in which a plan is nothing but a mode for each operation and sequences.

Set-ups may depend on the sequence where each is told by the two operations it lies between.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.calendars import NEVER
from woaas_solver_farm.engine.decoding import MAKESPAN, Genes
from woaas_solver_farm.engine.jit import kernel
from woaas_solver_farm.engine.tables import OUTSIDE, Tables

Ints = npt.NDArray[np.int64]

# Beyond these, single steps take so long that other searches gain more.
_MOST_OPERATIONS, _MOST_RIGID = 2000, 200_000
# Starts are mixed by weights of up to 100, so times must leave room below 2^63.
_LONGEST = 2**55


class Shop(NamedTuple):
    """What the search reads. Ragged arrays as in ``Tables``; times are ticks times ``scale``.

    Every duration is positive: where the problem has empty operations, each one gets a sliver of a tick, too small
    for all of them together to make one. Arguments about cycles rest on that. ``nothing`` is a zero an operation.
    ``matrix`` and ``first_group`` are by machine: its part of ``setups`` and how it stands set up. In a rigid shop each
    operation has one mode.
    """

    first_mode: Ints
    machine: Ints
    duration: Ints
    release: Ints
    first_pred: Ints
    pred: Ints
    pred_lag: Ints
    first_succ: Ints
    succ: Ints
    succ_lag: Ints
    nothing: Ints
    group: Ints
    no_group: Ints
    own_setup: Ints
    matrix: Ints
    first_group: Ints
    setups: npt.NDArray[np.int64]
    machines: int
    scale: int
    is_rigid: bool
    has_setups: bool


def shop_of(t: Tables) -> Shop | None:
    """The problem as a job shop, or None if its first goal is not the makespan alone or a plan takes more to say."""
    is_rigid = t.machine.size == t.job_of.size
    most = _MOST_RIGID if is_rigid else _MOST_OPERATIONS
    if not (0 < t.job_of.size <= most and _wants_makespan(t) and _is_plain(t)):
        return None
    scale = 1 if t.duration.min() > 0 else t.job_of.size + 1
    sliver = 0 if scale == 1 else 1
    longest = np.maximum.reduceat(t.duration, t.first_mode[:-1])
    most_setup = int(t.setup.max() + t.setup_matrix.max()) * t.job_of.size
    if (int(longest.sum() + t.pred_lag.sum() + t.release.max()) + most_setup + 1) * scale > _LONGEST:
        return None
    before = np.repeat(np.arange(t.job_of.size), np.diff(t.first_succ))
    succ_lag = np.zeros(t.succ.size, np.int64)
    for s, (one, other) in enumerate(zip(before.tolist(), t.succ.tolist(), strict=True)):
        links = range(t.first_pred[other], t.first_pred[other + 1])
        succ_lag[s] = max(int(t.pred_lag[p]) for p in links if t.pred[p] == one)
    return Shop(
        t.first_mode,
        t.machine,
        t.duration * scale + sliver,
        t.release * scale,
        t.first_pred,
        t.pred,
        t.pred_lag * scale,
        t.first_succ,
        t.succ,
        succ_lag * scale,
        np.zeros(t.job_of.size, np.int64),
        t.group,
        np.full(t.job_of.size, -1, np.int64),
        t.setup * scale,
        t.machine_matrix,
        t.machine_group,
        t.setup_matrix * scale,
        t.machine_calendar.size,
        scale,
        is_rigid=is_rigid,
        has_setups=_has_setups(t),
    )


@kernel
def setup_before(shop: Shop, before: int, operation: int, mode: int) -> int:
    """The set-up an operation needs behind another one, or (-1) as the first on its machine."""
    if not shop.has_setups:
        return 0
    machine = shop.machine[mode]
    setup, matrix = shop.own_setup[mode], shop.matrix[machine]
    if matrix >= 0:
        group = shop.group[before] if before >= 0 else shop.first_group[machine]
        if group >= 0:
            setup += shop.setups[matrix, group, shop.group[operation]]
    return setup


def genes_of_starts(t: Tables, mode: Ints, start: Ints) -> Genes:
    """The genes of a plan by modes and starts on the graph."""
    return Genes(np.argsort(start, kind="stable"), mode.copy(), t.release.copy(), np.full(start.size, -1, np.int64))


def _wants_makespan(t: Tables) -> bool:
    return bool(t.goals[0][MAKESPAN] > 0 and not np.delete(t.goals[0], MAKESPAN).any())


def _is_plain(t: Tables) -> bool:
    always = np.zeros(t.calendars.first.size - 1, np.bool_)
    first = t.calendars.first
    for c in range(always.size):
        whole = first[c + 1] - first[c] == 1
        always[c] = whole and t.calendars.start[first[c]] <= 0 and t.calendars.end[first[c]] >= NEVER
    if (t.machine == OUTSIDE).any():
        return False
    operation = np.repeat(np.arange(t.job_of.size), np.diff(t.first_mode))
    has_matrix = t.machine_matrix[t.machine] >= 0
    return bool(
        (np.diff(t.first_mode) > 0).all()
        and (t.fixed_mode < 0).all()
        and (t.latest_end >= NEVER).all()
        and (t.pred_lag >= 0).all()
        and always[t.run_calendar].all()
        and not (t.needs_operator.any() or t.sets_up.any() or t.need_tool.size)
        # What needs no set-up leaves the machine as it was: then the operation before does not tell the set-up.
        and (t.group[operation[has_matrix]] >= 0).all()
    )


def _has_setups(t: Tables) -> bool:
    return bool(t.setup.any() or (t.setup_matrix.any() and (t.machine_matrix >= 0).any()))
