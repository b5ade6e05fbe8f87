"""Flow lines: plants in which every job passes the same machines one after another, and nothing else holds it."""

from collections.abc import Iterator
from itertools import pairwise

from .objective import levels, objective_of
from .problem import Job, Operation, Predecessor, Problem
from .problem_errors import Fault


def line_of(problem: Problem) -> tuple[str, ...] | None:
    """The machines in the order all jobs pass them, or None if the problem is more than a line."""
    if not problem.jobs or not problem.machines:
        return None
    machines = {machine.id: machine for machine in problem.machines}
    firsts = [operation.modes[0].machine for operation in problem.jobs[0].operations if operation.modes]
    line = tuple(name for name in firsts if name in machines)
    is_line = (
        len(set(line)) == len(line)
        and all(machines[name].calendar is None for name in line)
        and all(_passes(job, line) for job in problem.jobs)
        # What needs no set-up leaves the machine as it was: then the job before does not tell the set-up.
        and all(
            operation.setup_group is not None or machines[operation.modes[0].machine].setup_matrix is None
            for _, operation in problem.operations()
        )
    )
    return line if is_line else None


def faults_of_permutation(problem: Problem) -> Iterator[Fault]:
    """What is wrong with asking for one sequence of jobs on all machines: it is for the makespan of flow lines."""
    if not problem.permutation:
        return
    if line_of(problem) is None:
        yield Fault("/permutation", "invalid_value", "needs jobs that all pass the same machines in the same order")
    if [set(level) for level in levels(objective_of(problem))] != [{"makespan"}]:
        yield Fault("/permutation", "invalid_value", "needs the makespan as the only objective")


def _passes(job: Job, line: tuple[str, ...]) -> bool:
    operations = job.operations
    return (
        job.deadline is None
        and len(operations) == len(line)
        and all(_is_plain(operation, machine) for operation, machine in zip(operations, line, strict=True))
        and not operations[0].predecessors
        and all(_follows(job, one, after) for one, after in pairwise(operations))
    )


def _is_plain(operation: Operation, machine: str) -> bool:
    if len(operation.modes) != 1 or operation.outsource is not None or operation.fixed is not None:
        return False
    mode = operation.modes[0]
    return mode.machine == machine and not (mode.operator_skill or mode.setup_skill or mode.tools)


def _follows(job: Job, one: Operation, after: Operation) -> bool:
    """True if an operation waits for the one before it in the line, and for no other."""
    if len(after.predecessors) != 1:
        return False
    link = after.predecessors[0]
    if not isinstance(link, Predecessor):
        return link == one.id
    return link.operation == one.id and link.job in {None, job.id} and link.min_lag >= 0
