"""Plans that somebody has already: a warm start, the baseline."""

import numpy as np

from woaas_solver_farm.problem import Place, Problem
from woaas_solver_farm.problem_validation import OperationNames

from .calendars import NEVER
from .decoding import Genes, new_plan
from .dispatch import genes_of
from .flat import Flat
from .tables import OUTSIDE, Tables


def genes_of_places(problem: Problem, t: Tables, flat: Flat, places: tuple[Place, ...], rest: Genes) -> Genes:
    """The order, modes and people of an earlier plan, held to its starts.

    Operations it lacks go last, as ``rest`` has them; a place that the plant no longer offers gives only its start.
    """
    names = OperationNames(problem)
    machines = {machine.id: i for i, machine in enumerate(problem.machines)}
    people = {operator.id: i for i, operator in enumerate(problem.operators)}
    not_before, starts = rest.not_before.copy(), np.full(t.job_of.size, NEVER, np.int64)
    known = new_plan(t.job_of.size)
    known.mode[:], known.operator[:] = rest.mode, rest.operator
    for place in places:
        found = names.find(place.operation, near=place.job, strict=place.job is not None)
        assert found is not None
        i = int(t.first_operation[found[0]]) + found[1]
        machine = OUTSIDE if place.machine is None else machines.get(place.machine, -2)
        modes = [m for m in range(t.first_mode[i], t.first_mode[i + 1]) if t.machine[m] == machine]
        told = -1 if place.mode is None else int(t.first_mode[i]) + place.mode
        known.mode[i] = mode = told if told in modes else modes[0] if modes else -1
        operator = people.get(place.operator or "", -1)
        known.operator[i] = operator if _may_do(t, mode, operator) else -1
        not_before[i] = max(int(t.release[i]), place.start)
        starts[i] = place.start
    known.start[:] = known.setup_start[:] = starts
    # Without a mode, -1, it has some length.
    known.end[:] = starts + np.append(t.duration, 1)[known.mode]
    return genes_of(t, flat, rest.order, known)._replace(not_before=not_before)


def _may_do(t: Tables, mode: int, operator: int) -> bool:
    team = -1 if mode < 0 else int(t.run_team[mode] if t.run_team[mode] >= 0 else t.team[mode])
    return team >= 0 and operator in t.member[t.first_member[team] : t.first_member[team + 1]]
