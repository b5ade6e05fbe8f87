"""The opponent of the field: PyJobShop (CP-SAT behind a modelling layer for shops)."""

import math
from itertools import pairwise

from pyjobshop import Model

from woaas_solver_farm.problem import Problem


def solve(problem: Problem, *, seconds: float, workers: int, seed: int) -> float | None:
    """The makespan found, or None if no plan was found."""
    model = Model()
    machines = {machine.id: model.add_machine(name=machine.id) for machine in problem.machines}
    tasks = {}
    for job in problem.jobs:
        added = model.add_job()
        for operation in job.operations:
            tasks[operation.id] = model.add_task(added)
            for mode in operation.modes:
                model.add_mode(tasks[operation.id], machines[mode.machine], mode.duration)
            for before in operation.predecessors:
                model.add_end_before_start(tasks[before], tasks[operation.id])
    for machine in problem.machines:
        matrix = problem.setup_matrices.get(machine.setup_matrix or "", {})
        here = [o for _, o in problem.operations() if any(mode.machine == machine.id for mode in o.modes)]
        for one in here:
            row = matrix.get(one.setup_group or "", {})
            for other in here:
                if one is not other and row.get(other.setup_group or "", 0):
                    setup = row[other.setup_group or ""]
                    model.add_setup_time(machines[machine.id], tasks[one.id], tasks[other.id], setup)
    if problem.permutation:
        line = list(machines.values())
        for one, other in pairwise(line):
            model.add_same_sequence(one, other)
    model.set_objective(weight_makespan=1)
    found = model.solve(time_limit=seconds, num_workers=workers, display=False, random_seed=seed).objective
    return None if math.isinf(found) else found
