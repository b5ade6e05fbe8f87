"""Improving a plan: change the genes a little where it hurts, place anew what that reaches, keep what is good enough.

Simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983); the temperature is set by the walk's own uphill steps, so
that one search serves tardiness in ticks and costs alike. A walk is a pure function of its numbers and temperatures.
"""

import numpy as np

from .flat import Flat
from .jit import bare, kernel
from .moves import move, random_below
from .places import END, MODE, OPERATOR, SETUP_START, START
from .redecoding import accept, redecode, reject
from .walk import HOLD, Walk

# Changes that reach far cost the time of many that do not, and seldom gain more.
_REACH, _FAR_REACH = 100, 400
_ONE = 1 << 30


@kernel
def search(t: Flat, walk: Walk, iterations: int, temperature: float) -> bool:
    """Take so many steps; true if a better plan than ever before was found."""
    t, walk = bare(t), bare(walk)
    before = walk.energies[1]
    if walk.order.size == 0:
        return False
    for _ in range(iterations):
        walk.numbers[1] += np.uint64(1)
        stamp = int(walk.numbers[1])
        if not move(t, walk, stamp):
            continue
        energy, until = redecode(t, walk, stamp, _FAR_REACH if random_below(walk.numbers, 4) == 0 else _REACH)
        rise = energy - walk.energies[0]
        if 0 < rise < np.inf:
            walk.rises[stamp % walk.rises.size] = rise
        if rise <= 0 or (temperature > 0 and random_below(walk.numbers, _ONE) < np.exp(-rise / temperature) * _ONE):
            if rise > 0 and walk.energies[0] < walk.energies[1]:
                _keep(walk)
            accept(walk, energy, until)
        else:
            reject(walk)
    if walk.energies[0] < walk.energies[1]:
        _keep(walk)
    return walk.energies[1] < before


def temperature_of(walk: Walk, progress: float) -> float:
    """The temperature when this share of the search is done: from a small part of a usual uphill step down to none."""
    rises = walk.rises[walk.rises > 0]
    return float(np.median(rises)) * _HEAT * max(0.0, 1.0 - progress) if rises.size else 0.0


_HEAT = 0.1


@kernel
def _keep(walk: Walk) -> None:
    """Remember the plan as the best so far."""
    walk.energies[1] = walk.energies[0]
    best, plan, places = walk.best, walk.best_plan, walk.places
    for i in range(walk.order.size):
        best.order[i], best.not_before[i] = walk.known_order[i], walk.wishes[i, HOLD]
        best.mode[i] = plan.mode[i] = places[i, MODE]
        best.operator[i] = plan.operator[i] = places[i, OPERATOR]
        plan.start[i], plan.end[i], plan.setup_start[i] = places[i, START], places[i, END], places[i, SETUP_START]
