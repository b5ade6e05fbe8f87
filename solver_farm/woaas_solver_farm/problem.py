"""The scheduling problem a solve takes: frozen values in integer ticks, read from and written to JSON.

Times are ticks from the problem's start. A calendar is its working windows ``[start, end)``; none means always.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from .problem_errors import Fault, ProblemError, fault_of

Metric = Literal[
    "weighted_tardiness",
    "total_tardiness",
    "late_orders",
    "makespan",
    "setup_time",
    "flow_time",
    "changes",
    "outsourcing_cost",
]
METRICS: tuple[Metric, ...] = get_args(Metric)

# The engine computes in 64-bit integers; a horizon of 2^40 ticks is 34,000 years of seconds.
MAX_TICK = 2**40
Tick = Annotated[int, Meta(ge=0, le=MAX_TICK)]
Id = Annotated[str, Meta(min_length=1, max_length=200)]
# Sums of weights times ticks must stay numbers.
Amount = Annotated[float, Meta(ge=0, le=1e15)]
Moment = Annotated[int, Meta(ge=-MAX_TICK, le=MAX_TICK)]
Calendar = tuple[tuple[Moment, Moment], ...]


class _Value(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every part of a problem has in common: immutable, checked names, defaults left out of JSON."""


class Machine(_Value, frozen=True, kw_only=True):
    """One schedulable unit, doing one operation at a time."""

    id: Id
    calendar: Calendar | None = None
    setup_matrix: str | None = None
    initial_setup_group: str | None = None


class Operator(_Value, frozen=True, kw_only=True):
    """A person who does one set-up or operation at a time."""

    id: Id
    skills: tuple[str, ...] = ()
    calendar: Calendar | None = None


class Tool(_Value, frozen=True, kw_only=True):
    """A mould, die or fixture of which ``count`` pieces exist."""

    id: Id
    count: Annotated[int, Meta(ge=0, le=10_000)] = 1
    calendar: Calendar | None = None


class Mode(_Value, frozen=True, kw_only=True):
    """One way to do an operation: a machine, its working time, and who and what it needs.

    ``setup`` is added to the set-up matrix's entry. The one operator does what ``operator_skill`` (the run) and
    ``setup_skill`` (the set-up) ask for. A tool named twice is needed twice. ``cost`` only breaks ties.
    """

    machine: str
    duration: Tick
    setup: Tick = 0
    operator_skill: str | None = None
    setup_skill: str | None = None
    tools: tuple[str, ...] = ()
    cost: Amount = 0


class Predecessor(_Value, frozen=True, kw_only=True):
    """An operation that must end ``min_lag`` ticks before; ``job`` only when it is another job's."""

    operation: str
    min_lag: Moment = 0
    job: str | None = None


class Outsource(_Value, frozen=True, kw_only=True):
    """The offer to have an operation done elsewhere."""

    cost: Amount
    lead_time: Tick


class Fixed(_Value, frozen=True, kw_only=True):
    """A given place: what runs, is frozen or pinned. It may have started before tick 0."""

    machine: str
    start: Moment
    end: Moment
    operator: str | None = None


class Operation(_Value, frozen=True, kw_only=True):
    """One step of a job; ids are unique within the job. ``resumable`` work stretches over breaks."""

    id: Id
    modes: tuple[Mode, ...] = ()
    release: Tick = 0
    setup_group: str | None = None
    predecessors: tuple[str | Predecessor, ...] = ()
    resumable: bool = False
    outsource: Outsource | None = None
    fixed: Fixed | None = None


class Job(_Value, frozen=True, kw_only=True):
    """One order: ``due`` is wished (lateness is counted), ``deadline`` is hard."""

    id: Id
    operations: Annotated[tuple[Operation, ...], Meta(min_length=1)]
    release: Tick = 0
    due: Moment | None = None
    deadline: Tick | None = None
    weight: Amount = 1


class Place(_Value, frozen=True, kw_only=True):
    """Where an operation stands in an earlier plan; ``job`` only where operation ids repeat.

    ``mode`` counts the operation's modes from 0 and is needed only where two of them are on the machine.
    """

    operation: str
    machine: str | None = None
    start: Moment
    job: str | None = None
    operator: str | None = None
    mode: int | None = None


class Term(_Value, frozen=True, kw_only=True):
    """One goal and how much a unit of it counts."""

    metric: Metric
    weight: Amount = 1


class Objective(_Value, frozen=True, kw_only=True):
    """What to minimise: the weighted sum of the terms, or the terms one after another."""

    terms: Annotated[tuple[Term, ...], Meta(min_length=1)]
    mode: Literal["weighted", "lexicographic"] = "weighted"


class Limits(_Value, frozen=True, kw_only=True):
    """How long to search. With ``iterations`` the plan is reproducible and the time is only a cap.

    ``time_limit`` is in seconds, or an ISO 8601 duration.
    """

    time_limit: Annotated[float, Meta(ge=0)] | str | None = None
    iterations: Annotated[int, Meta(ge=0)] | None = None
    seed: Annotated[int, Meta(ge=0, lt=2**53)] = 1
    workers: Annotated[int, Meta(ge=1, le=256)] | None = None


class Problem(_Value, frozen=True, kw_only=True):
    """Everything one solve knows.

    ``permutation`` is for flow lines: no job overtakes another, so all machines take the jobs in one sequence.
    """

    machines: tuple[Machine, ...] = ()
    jobs: tuple[Job, ...] = ()
    setup_matrices: dict[str, dict[str, dict[str, Tick]]] = {}
    operators: tuple[Operator, ...] = ()
    tools: tuple[Tool, ...] = ()
    baseline: tuple[Place, ...] = ()
    warm_start: tuple[Place, ...] = ()
    objective: Objective | None = None
    limits: Limits | None = None
    horizon: Tick | None = None
    tick: str | None = None
    start_at: str | None = None
    permutation: bool = False

    def operations(self) -> Iterator[tuple[Job, Operation]]:
        """Every operation with its job, in the order given."""
        return ((job, operation) for job in self.jobs for operation in job.operations)


def decode(data: bytes | str) -> Problem:
    """The problem written in a JSON text, valid in itself.

    Raises:
        ProblemError: with a JSON pointer for every fault found.
    """
    from .problem_validation import faults  # noqa: PLC0415 - the rules read these structs

    try:
        problem = msgspec.json.decode(data, type=Problem)
    except msgspec.ValidationError as error:
        raise ProblemError([fault_of(str(error))]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError([Fault("", "malformed", str(error))]) from None
    if found := faults(problem):
        raise ProblemError(found)
    return problem


def encode(problem: Problem) -> bytes:
    """The JSON text ``decode`` reads back to an equal problem; defaults are left out."""
    return msgspec.json.encode(problem)
