"""What a problem must satisfy beyond its types: names that exist, windows in order, no circle of predecessors."""

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from .durations import seconds
from .flow_line import faults_of_permutation
from .problem_errors import Fault

if TYPE_CHECKING:
    from .problem import Calendar, Job, Operation, Place, Predecessor, Problem

OperationIndex = tuple[int, int]


def faults(problem: "Problem") -> list[Fault]:
    """Every fault of a problem; an empty list means it can be solved as written."""
    return [
        *_unique_ids(problem),
        *_calendars(problem),
        *_machines(problem),
        *_limits(problem),
        *_operations(problem),
        *_places("baseline", problem.baseline, problem),
        *_places("warm_start", problem.warm_start, problem),
        *_circles(problem),
        *faults_of_permutation(problem),
    ]


def resolve_operation(
    problem: "Problem", names: "OperationNames", job: int, link: "str | Predecessor"
) -> OperationIndex | None:
    """The ``(job, operation)`` a predecessor names: in its own job first, else the only one of that id."""
    if isinstance(link, str):
        return names.find(link, near=problem.jobs[job].id)
    return names.find(link.operation, near=link.job or problem.jobs[job].id, strict=link.job is not None)


class OperationNames:
    """Finds operations by id; ids are unique within a job and may repeat between jobs."""

    def __init__(self, problem: "Problem") -> None:
        self._within: dict[tuple[str, str], OperationIndex] = {}
        self._anywhere: dict[str, list[OperationIndex]] = {}
        for j, job in enumerate(problem.jobs):
            for i, operation in enumerate(job.operations):
                self._within.setdefault((job.id, operation.id), (j, i))
                self._anywhere.setdefault(operation.id, []).append((j, i))

    def find(self, operation: str, *, near: str | None = None, strict: bool = False) -> OperationIndex | None:
        """The operation in job ``near``; failing that (unless strict) the only one of that id, or none."""
        if near is not None:
            found = self._within.get((near, operation))
            if found is not None or strict:
                return found
        everywhere = self._anywhere.get(operation, [])
        return everywhere[0] if len(everywhere) == 1 else None


def _unique_ids(problem: "Problem") -> Iterator[Fault]:
    lists: list[tuple[str, Iterable[str]]] = [
        ("/machines", [machine.id for machine in problem.machines]),
        ("/operators", [operator.id for operator in problem.operators]),
        ("/tools", [tool.id for tool in problem.tools]),
        ("/jobs", [job.id for job in problem.jobs]),
    ]
    lists += [(f"/jobs/{j}/operations", [o.id for o in job.operations]) for j, job in enumerate(problem.jobs)]
    for pointer, ids in lists:
        seen: set[str] = set()
        for i, name in enumerate(ids):
            if name in seen:
                yield Fault(f"{pointer}/{i}/id", "duplicate", f"{name!r} is used twice; ids must be unique")
            seen.add(name)


def _calendars(problem: "Problem") -> Iterator[Fault]:
    owners: list[tuple[str, Calendar | None]] = [
        *((f"/machines/{i}", machine.calendar) for i, machine in enumerate(problem.machines)),
        *((f"/operators/{i}", operator.calendar) for i, operator in enumerate(problem.operators)),
        *((f"/tools/{i}", tool.calendar) for i, tool in enumerate(problem.tools)),
    ]
    for pointer, calendar in owners:
        last = None
        for i, (start, end) in enumerate(calendar or ()):
            if start >= end or (last is not None and start < last):
                yield Fault(f"{pointer}/calendar/{i}", "invalid_value", "windows must be [start, end), in order, apart")
            last = end


def _machines(problem: "Problem") -> Iterator[Fault]:
    for i, machine in enumerate(problem.machines):
        if machine.setup_matrix is not None and machine.setup_matrix not in problem.setup_matrices:
            yield _unknown(f"/machines/{i}/setup_matrix", machine.setup_matrix, "a set-up matrix")


def _limits(problem: "Problem") -> Iterator[Fault]:
    given = [("/tick", problem.tick)]
    if problem.limits is not None and isinstance(problem.limits.time_limit, str):
        given.append(("/limits/time_limit", problem.limits.time_limit))
    for pointer, text in given:
        try:
            if text is not None:
                seconds(text)
        except ValueError as error:
            yield Fault(pointer, "invalid_value", str(error))


def _operations(problem: "Problem") -> Iterator[Fault]:
    names = OperationNames(problem)
    machines = {machine.id for machine in problem.machines}
    tools = {tool.id for tool in problem.tools}
    operators = {operator.id for operator in problem.operators}
    for j, job in enumerate(problem.jobs):
        for i, operation in enumerate(job.operations):
            pointer = f"/jobs/{j}/operations/{i}"
            for m, mode in enumerate(operation.modes):
                if mode.machine not in machines:
                    yield _unknown(f"{pointer}/modes/{m}/machine", mode.machine, "a machine")
                for t, tool in enumerate(mode.tools):
                    if tool not in tools:
                        yield _unknown(f"{pointer}/modes/{m}/tools/{t}", tool, "a tool")
            for p, link in enumerate(operation.predecessors):
                if resolve_operation(problem, names, j, link) is None:
                    name = link if isinstance(link, str) else link.operation
                    yield _unknown(f"{pointer}/predecessors/{p}", name, "one operation")
            yield from _fixed(pointer, operation, operators)


def _fixed(pointer: str, operation: "Operation", operators: set[str]) -> Iterator[Fault]:
    fixed = operation.fixed
    if fixed is None:
        return
    if fixed.machine not in {mode.machine for mode in operation.modes}:
        yield _unknown(f"{pointer}/fixed/machine", fixed.machine, "a machine of its modes")
    if fixed.operator is not None and fixed.operator not in operators:
        yield _unknown(f"{pointer}/fixed/operator", fixed.operator, "an operator")
    if fixed.end < fixed.start:
        yield Fault(f"{pointer}/fixed/end", "invalid_value", "must not be before its start")


def _places(field: str, places: "tuple[Place, ...]", problem: "Problem") -> Iterator[Fault]:
    names = OperationNames(problem) if places else None
    seen: set[OperationIndex] = set()
    for i, place in enumerate(places):
        found = names.find(place.operation, near=place.job, strict=place.job is not None) if names else None
        if found is None:
            yield _unknown(f"/{field}/{i}/operation", place.operation, "one operation (give its job where ids repeat)")
        elif found in seen:
            yield Fault(f"/{field}/{i}/operation", "duplicate", f"{place.operation!r} has a place already")
        else:
            seen.add(found)


def _circles(problem: "Problem") -> Iterator[Fault]:
    names = OperationNames(problem)
    graph: TopologicalSorter[OperationIndex] = TopologicalSorter()
    for j, job in enumerate(problem.jobs):
        for i, operation in enumerate(job.operations):
            links = (resolve_operation(problem, names, j, link) for link in operation.predecessors)
            graph.add((j, i), *(link for link in links if link is not None))
    try:
        graph.prepare()
    except CycleError as error:
        j, i = error.args[1][0]
        yield Fault(f"/jobs/{j}/operations/{i}/predecessors", "circular", _circle(problem.jobs, error.args[1]))


def _circle(jobs: "tuple[Job, ...]", path: list[OperationIndex]) -> str:
    return "waits for itself: " + " <- ".join(f"{jobs[j].id}/{jobs[j].operations[i].id}" for j, i in path)


def _unknown(pointer: str, name: str, expected: str) -> Fault:
    return Fault(pointer, "unknown_reference", f"{name!r} is not the id of {expected}")
