"""The opponent everybody can write: a shop as one CP-SAT model, started from a greedy plan."""

from typing import Any, NamedTuple

from ortools.sat.python import cp_model

from woaas_solver_farm.problem import Operation, Problem


class Task(NamedTuple):
    """An operation as CP-SAT sees it."""

    operation: Operation
    start: Any
    end: Any
    modes: list[tuple[str, Any, Any]]  # machine, literal, interval


def solve(problem: Problem, *, seconds: float, workers: int, seed: int) -> float | None:
    """The makespan found, or None if no plan was found."""
    model = cp_model.CpModel()
    hint, horizon = greedy(problem)
    tasks: dict[str, Task] = {}
    for job in problem.jobs:
        for operation in job.operations:
            tasks[operation.id] = _task(model, operation, horizon)
            model.add_hint(tasks[operation.id].start, hint[operation.id][1])
            for machine, literal, _ in tasks[operation.id].modes:
                model.add_hint(literal, machine == hint[operation.id][0])
            for before in operation.predecessors:
                assert isinstance(before, str)
                model.add(tasks[operation.id].start >= tasks[before].end)
    for machine in problem.machines:
        here = [
            (task, literal, interval)
            for task in tasks.values()
            for m, literal, interval in task.modes
            if m == machine.id
        ]
        model.add_no_overlap([interval for _, _, interval in here])
        if machine.setup_matrix is not None and not problem.permutation:
            _sequence(model, problem.setup_matrices[machine.setup_matrix], [(t, present) for t, present, _ in here])
    if problem.permutation:
        _permutation(model, problem, tasks)
    makespan = model.new_int_var(0, horizon, "makespan")
    for job in problem.jobs:
        model.add(makespan >= tasks[job.operations[-1].id].end)
    model.minimize(makespan)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed
    status = solver.solve(model)
    return solver.objective_value if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None


def greedy(problem: Problem) -> tuple[dict[str, tuple[str, int]], int]:
    """Machine and start by operation, always next what ends first, and when all is done; job after job in a line."""
    free: dict[str, tuple[int, str | None]] = {machine.id: (0, None) for machine in problem.machines}
    matrices = {m.id: problem.setup_matrices.get(m.setup_matrix or "", {}) for m in problem.machines}
    plan: dict[str, tuple[str, int]] = {}
    left = {job.id: list(job.operations) for job in problem.jobs}
    ready = dict.fromkeys(left, 0)

    def best(job: str) -> tuple[int, int, str]:
        operation = left[job][0]
        ends = []
        for mode in operation.modes:
            since, group = free[mode.machine]
            setup = matrices[mode.machine].get(group or "", {}).get(operation.setup_group or "", 0)
            start = max(ready[job], since + setup)
            ends.append((start + mode.duration, start, mode.machine))
        return min(ends)

    while left:
        job = next(iter(left)) if problem.permutation else min(left, key=lambda job: best(job)[0])
        end, start, machine = best(job)
        operation = left[job].pop(0)
        plan[operation.id], ready[job], free[machine] = (machine, start), end, (end, operation.setup_group)
        if not left[job]:
            del left[job]
    return plan, max(ready.values())


def _task(model: cp_model.CpModel, operation: Operation, horizon: int) -> Task:
    start, end = (model.new_int_var(0, horizon, "") for _ in range(2))
    modes = []
    for mode in operation.modes:
        literal = model.new_bool_var("")
        modes.append((mode.machine, literal, model.new_optional_interval_var(start, mode.duration, end, literal, "")))
    model.add_exactly_one(literal for _, literal, _ in modes)
    return Task(operation, start, end, modes)


def _sequence(model: cp_model.CpModel, matrix: dict[str, dict[str, int]], here: list[tuple[Task, Any]]) -> None:
    """A circuit through what is on a machine; each arc keeps its set-up free."""
    arcs: list[tuple[int, int, Any]] = [(0, 0, model.new_bool_var(""))]
    for i, (task, present) in enumerate(here, 1):
        arcs += [(0, i, model.new_bool_var("")), (i, 0, model.new_bool_var("")), (i, i, ~present)]
        for j, (after, _) in enumerate(here, 1):
            if i != j:
                arcs.append((i, j, literal := model.new_bool_var("")))
                setup = matrix.get(task.operation.setup_group or "", {}).get(after.operation.setup_group or "", 0)
                model.add(after.start >= task.end + setup).only_enforce_if(literal)
    model.add_circuit(arcs)


def _permutation(model: cp_model.CpModel, problem: Problem, tasks: dict[str, Task]) -> None:
    """One circuit through the jobs for all machines."""
    matrices = [problem.setup_matrices.get(machine.setup_matrix or "", {}) for machine in problem.machines]
    arcs: list[tuple[int, int, Any]] = []
    for i, job in enumerate(problem.jobs, 1):
        arcs += [(0, i, model.new_bool_var("")), (i, 0, model.new_bool_var(""))]
        for j, other in enumerate(problem.jobs, 1):
            if i == j:
                continue
            arcs.append((i, j, literal := model.new_bool_var("")))
            for matrix, one, after in zip(matrices, job.operations, other.operations, strict=True):
                setup = matrix.get(one.setup_group or "", {}).get(after.setup_group or "", 0)
                model.add(tasks[after.id].start >= tasks[one.id].end + setup).only_enforce_if(literal)
    model.add_circuit(arcs)
