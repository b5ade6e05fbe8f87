"""A search in progress: the plan it stands at, the change it tries, and the best plan it has seen."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .decoding import SUMS, Genes, Plan, decode_all
from .flat import Flat
from .measuring import energy_of, measure, prices_of
from .places import places_of
from .tables import Tables

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]

# Columns of wishes; what an operation that does not move wishes is what it has.
WISHED_MODE, WISHED_OPERATOR, HOLD = range(3)
# Columns of the marks: the iteration in which an operation was moved, placed anew, or followed one that ends elsewhen.
MOVED, PLACED, WAITING = range(3)
# The lengths of the lists of a change, and the positions between which it changes the order.
MOVED_COUNT, PLACED_COUNT, JOB_COUNT, LOW, HIGH = range(5)
# Rows of the scratch: the resources in the change and in the known plan, and how they compare.
MINE, THEIRS, DIFFERS = range(3)


_RISES = 256


class Change(NamedTuple):
    """What is being tried: ``moved`` operations are placed anew, all others keep their order among themselves."""

    counts: Ints
    moved: Ints
    wishes_before: Ints
    placed: Ints
    jobs: Ints
    marks: Ints
    job_marks: Ints
    places: Ints
    states: Ints
    job_end: Ints
    sums: Floats


class Teams(NamedTuple):
    """The teams of each operator, end to end, and how many members of each team are freer than in the known plan."""

    first: Ints
    team: Ints
    freer: Ints


class Walk(NamedTuple):
    """One search; its arrays change in place.

    ``order``, ``position`` (its inverse) and ``wishes`` are those of the change; ``known_order`` is the plan's own.
    ``rises`` are the last uphill steps tried, ``numbers`` the random state and the iteration, ``energies`` the plan's
    and the best.
    """

    order: Ints
    position: Ints
    wishes: Ints
    known_order: Ints
    places: Ints
    states: Ints
    stride: Ints
    job_end: Ints
    sums: Floats
    change: Change
    teams: Teams
    scratch: Ints
    best: Genes
    best_plan: Plan
    prices: Floats
    rises: Floats
    numbers: Words
    energies: Floats


def start_walk(t: Tables, flat: Flat, genes: Genes, seed: int) -> Walk:
    """A walk that stands at the plan the genes decode to."""
    plan, booking, trail = decode_all(t, flat, genes)
    places = places_of(plan, booking)
    count, jobs = t.job_of.size, t.due.size
    job_end, prices = np.zeros(jobs, np.int64), prices_of(t)
    sums = measure(flat, places, job_end)
    energy = energy_of(prices, sums)
    wishes = np.ascontiguousarray(np.stack([plan.mode, plan.operator, genes.not_before], axis=1))
    return Walk(
        order=genes.order.copy(),
        position=np.argsort(genes.order),
        wishes=wishes,
        known_order=genes.order.copy(),
        places=places,
        states=trail.states,
        stride=np.array([trail.stride]),
        job_end=job_end,
        sums=sums,
        change=Change(
            counts=np.zeros(5, np.int64),
            moved=np.zeros(count, np.int64),
            wishes_before=np.zeros_like(wishes),
            placed=np.zeros(count, np.int64),
            jobs=np.zeros(jobs, np.int64),
            marks=np.zeros((count, 3), np.int64),
            job_marks=np.zeros(jobs, np.int64),
            places=np.zeros_like(places),
            states=np.zeros_like(trail.states),
            job_end=np.zeros(jobs, np.int64),
            sums=np.zeros(SUMS),
        ),
        teams=_teams_of(t),
        scratch=np.zeros((3, trail.states.shape[1]), np.int64),
        best=Genes(genes.order.copy(), plan.mode.copy(), genes.not_before.copy(), plan.operator.copy()),
        best_plan=Plan(*(part.copy() for part in plan)),
        prices=prices,
        rises=np.zeros(_RISES),
        numbers=np.array([(seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) % 2**64 | 1, 0], np.uint64),
        energies=np.array([energy, energy]),
    )


def _teams_of(t: Tables) -> Teams:
    members = [t.member[a:b] for a, b in zip(t.first_member, t.first_member[1:], strict=False)]
    teams = [[team for team, able in enumerate(members) if i in able] for i in range(t.operator_class.size)]
    first = np.cumsum([0, *map(len, teams)])
    return Teams(first, np.array([t for of in teams for t in of], np.int64), np.zeros(len(members) + 1, np.int64))


def stand_at(walk: Walk, other: Walk) -> None:
    """Go on from where another walk of the same problem stands."""
    ours = (walk.order, walk.position, walk.wishes, walk.known_order, walk.places, walk.states, walk.job_end, walk.sums)
    theirs = (
        other.order,
        other.position,
        other.wishes,
        other.known_order,
        other.places,
        other.states,
        other.job_end,
        other.sums,
    )
    for own, new in zip((*ours, *walk.best, *walk.best_plan), (*theirs, *other.best, *other.best_plan), strict=True):
        np.copyto(own, new)
    np.copyto(walk.energies, other.energies)
