"""What a shop does without a planner: the same dispatch, by plain rules that see neither set-ups nor slack."""

import numpy as np

from woaas_solver_farm.problem import Problem
from woaas_solver_farm.result import BaselinePlan

from .calendars import NEVER
from .decoding import decode_all
from .dispatch import dispatch_by_rank
from .flat import flatten
from .plan import Writer
from .tables import OUTSIDE, build_tables


def baselines(problem: Problem) -> dict[str, BaselinePlan]:
    """The plans of ``fifo`` (jobs in the order given: as they were entered) and ``edd`` (the earliest due first).

    A machine that falls free takes the first in rank of what waits there, whatever set-up that takes; pins, calendars,
    people and tools hold as for every plan.
    """
    t = build_tables(problem)
    flat = flatten(t)
    writer = Writer(problem, t)
    entered = np.arange(len(problem.jobs))
    ranks = {"fifo": entered, "edd": np.argsort(np.argsort(t.due, kind="stable"), kind="stable")}
    found: dict[str, BaselinePlan] = {}
    for rule, rank in ranks.items():
        genes = dispatch_by_rank(t, flat, rank)
        plan = decode_all(t, flat, genes)[0]
        machine = np.where(plan.mode >= 0, t.machine[plan.mode] if t.machine.size else -1, OUTSIDE)
        end = np.where((plan.mode >= 0) & (plan.end < NEVER), plan.end, -1)
        columns = (np.where(machine == OUTSIDE, -1, machine), plan.setup_start, plan.start, end)
        places = zip(*(column.tolist() for column in columns), strict=True)
        found[rule] = BaselinePlan(writer.metrics(plan), tuple(places))
    return found
