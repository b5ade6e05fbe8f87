"""Improving a plan: change the genes a little where it hurts, decode again, keep what is not worse than of late.

Late acceptance (Burke and Bykov 2017) needs no scale, so one search serves tardiness in ticks and costs alike. The
walk is a pure function of its numbers: the same seed and iterations give the same plan.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.problem import METRICS

from .decoding import MAKESPAN, SUMS, UNPLACED, Genes, Known, Plan, Trail, copy_row, decode, decode_all
from .flat import Flat
from .jit import kernel
from .moves import Log, last_touched, move, new_log, undo
from .tables import Tables

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_LEVEL = 1e4
_UNPLACED_PRICE = 1e13
_PATIENCE = 300
_FORGIVENESS = 0.02


class Walk(NamedTuple):
    """One search in progress; all its arrays change in place.

    ``position`` is the inverse of the genes' order. ``numbers`` are the random state, the iteration, how many
    better plans were found and the iteration of the last one; ``energies`` the current and the best energy.
    """

    genes: Genes
    position: Ints
    plan: Plan
    trial: Plan
    trail: Trail
    trial_trail: Trail
    best: Genes
    best_plan: Plan
    history: Floats
    prices: Floats
    log: Log
    numbers: npt.NDArray[np.uint64]
    energies: Floats


def prices_of(t: Tables) -> Floats:
    """What a unit of each sum costs in the walk's energy; earlier levels outweigh later ones."""
    prices = np.zeros(SUMS)
    for depth, level in enumerate(t.goals):
        prices[: len(METRICS)] += level * _LEVEL ** (len(t.goals) - 1 - depth)
    prices[UNPLACED] = _UNPLACED_PRICE * max(1.0, prices.max())
    return prices


def start_walk(t: Tables, flat: Flat, genes: Genes, seed: int) -> Walk:
    """A walk that stands at the plan the genes decode to."""
    own = Genes(*(np.array(part) for part in genes))
    prices = prices_of(t)
    plan, trail, energy = decode_all(t, flat, own, prices)
    own.mode[:] = plan.mode
    return Walk(
        genes=own,
        position=np.argsort(own.order),
        plan=plan,
        trial=Plan(*(part.copy() for part in plan)),
        trail=trail,
        trial_trail=Trail(trail.states.copy(), trail.sums.copy(), trail.stride),
        best=Genes(*(part.copy() for part in own)),
        best_plan=Plan(*(part.copy() for part in plan)),
        history=np.full(int(np.clip(40_000 // max(1, t.job_of.size), 20, 1000)), energy),
        prices=prices,
        log=new_log(),
        numbers=np.array([(seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) % 2**64 | 1, 0, 0, 0], np.uint64),
        energies=np.array([energy, energy]),
    )


@kernel
def search(t: Flat, walk: Walk, iterations: int) -> bool:
    """Take so many steps; true if a better plan than ever before was found."""
    before = walk.numbers[2]
    if walk.genes.order.size == 0:
        return False
    for _ in range(iterations):
        walk.numbers[1] += np.uint64(1)
        begin = move(t, walk.genes, walk.position, walk.plan, walk.log, walk.numbers, walk.prices)
        if begin >= walk.genes.order.size:
            undo(walk.genes, walk.position, walk.log)
            continue
        stride = walk.trail.stride[0]
        begin = begin // stride * stride
        slot = int(walk.numbers[1] % np.uint64(walk.history.size))
        ceiling = max(walk.energies[0], walk.history[slot])
        first = begin // stride
        copy_row(walk.trail.states, first, walk.trial_trail.states)
        copy_row(walk.trail.sums, first, walk.trial_trail.sums)
        # A makespan is no sum: it has to be decoded to the end.
        unchanged = walk.genes.order.size if walk.prices[MAKESPAN] > 0 else last_touched(walk.position, walk.log) + 1
        known = Known(unchanged, walk.position, walk.plan, walk.trail)
        energy, until = decode(t, walk.genes, begin, walk.trial_trail, walk.trial, walk.prices, ceiling, known)
        if energy <= ceiling:
            _accept(walk, begin, until, energy)
        else:
            undo(walk.genes, walk.position, walk.log)
            # Whatever was placed stands between the first change and where decoding stopped, in either order.
            _copy_places(walk.genes.order, begin, max(until + 1, unchanged), walk.plan, walk.trial)
        walk.history[slot] = min(walk.history[slot], walk.energies[0])
        if walk.numbers[1] - walk.numbers[3] > np.uint64(_PATIENCE * walk.history.size):
            # Nothing better for long: plans somewhat worse than the best are welcome again.
            for i in range(walk.history.size):
                walk.history[i] = walk.energies[1] + abs(walk.energies[1]) * _FORGIVENESS
            walk.numbers[3] = walk.numbers[1]
    return walk.numbers[2] > before


@kernel
def _accept(walk: Walk, begin: int, until: int, energy: float) -> None:
    stride = walk.trail.stride[0]
    _copy_places(walk.genes.order, begin, until, walk.trial, walk.plan)
    for i in range(begin, until):
        operation = walk.genes.order[i]
        walk.genes.mode[operation] = walk.plan.mode[operation]
    last = walk.trail.sums.shape[0] - 1
    if until < walk.genes.order.size:
        row = until // stride
        for column in range(SUMS):
            gain = walk.trial_trail.sums[row, column] - walk.trail.sums[row, column]
            for i in range(row, last + 1):
                walk.trail.sums[i, column] += gain
    else:
        row = walk.trail.states.shape[0]
        copy_row(walk.trial_trail.sums, last, walk.trail.sums)
    for i in range(begin // stride, row):
        copy_row(walk.trial_trail.states, i, walk.trail.states)
        copy_row(walk.trial_trail.sums, i, walk.trail.sums)
    walk.energies[0] = energy
    if energy < walk.energies[1]:
        walk.energies[1] = energy
        walk.numbers[2] += np.uint64(1)
        walk.numbers[3] = walk.numbers[1]
        for i in range(walk.genes.order.size):
            walk.best.order[i] = walk.genes.order[i]
            walk.best.mode[i] = walk.genes.mode[i]
            walk.best.not_before[i] = walk.genes.not_before[i]
        _copy_places(walk.genes.order, 0, walk.genes.order.size, walk.plan, walk.best_plan)


@kernel
def _copy_places(order: Ints, begin: int, until: int, source: Plan, target: Plan) -> None:
    for i in range(begin, min(until, order.size)):
        operation = order[i]
        target.start[operation] = source.start[operation]
        target.end[operation] = source.end[operation]
        target.setup_start[operation] = source.setup_start[operation]
        target.mode[operation] = source.mode[operation]
        target.operator[operation] = source.operator[operation]
