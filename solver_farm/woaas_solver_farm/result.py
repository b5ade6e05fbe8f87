"""What a solve answers: the plan, how good it is, and how far it may be from the best."""

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec import Struct

Status = Literal["optimal", "feasible", "infeasible", "unknown"]
OverflowReason = Literal["no_capable_resource", "no_room", "predecessor_unplaced"]


class Metrics(Struct, frozen=True, kw_only=True):
    """The figures of a plan, in ticks, counts and the problem's money unit.

    Tardiness, flow time and makespan count jobs with all operations placed; a job with one in overflow is late.
    """

    weighted_tardiness: float
    total_tardiness: int
    late_orders: int
    makespan: int
    setup_time: int
    flow_time: int
    changes: int
    outsourcing_cost: float


class Cause(Struct, frozen=True):
    """The operation that another one waited for."""

    job: str
    operation: str


class Assignment(Struct, frozen=True, kw_only=True):
    """The place of one operation; set-up is done within ``[setup_start, start)``, the run is ``[start, end)``.

    ``mode`` counts the operation's modes from 0; it says which is meant where two are on one machine. ``reasons`` say
    what holds the start, as ``kind`` or ``kind:what``; ``cause`` is the operation that it waited for, if one did.
    """

    job: str
    operation: str
    machine: str | None
    operator: str | None
    tools: tuple[str, ...]
    setup_start: int
    start: int
    end: int
    outsourced: bool
    mode: int | None = None
    reasons: tuple[str, ...] = ()
    cause: Cause | None = None


class Unplaced(Struct, frozen=True, kw_only=True):
    """An operation the plant has no place for, and why."""

    job: str
    operation: str
    reason: OverflowReason


class Incumbent(Struct, frozen=True, kw_only=True):
    """A better plan found ``at`` seconds after the solve began."""

    at: float
    objective: float


class Result(Struct, frozen=True, kw_only=True):
    """A checked answer.

    ``status`` speaks of the whole problem: where operations are in ``overflow`` it is ``infeasible`` (proven) or
    ``unknown``, and the assignments are still a plan for all the others. ``checked`` is the independent checker's word
    on what is placed; ``accepted`` that it is a plan of the whole problem. Without one there is no ``objective`` and no
    ``bound``, whatever the metrics of the part. For a lexicographic objective both are its first term's.
    """

    status: Status
    objective: float | None
    bound: float | None
    accepted: bool
    metrics: Metrics
    assignments: tuple[Assignment, ...]
    incumbents: tuple[Incumbent, ...] = ()
    overflow: tuple[Unplaced, ...] = ()
    checked: bool = False


def judged(result: Result, *, is_sound: bool) -> Result:
    """A result with the checker's word on it: only a sound plan of everything has an objective and is accepted."""
    is_whole = is_sound and not result.overflow
    return msgspec.structs.replace(
        result,
        status=result.status if is_sound else "unknown",
        objective=result.objective if is_whole else None,
        bound=result.bound if is_whole else None,
        accepted=is_whole,
        checked=is_sound,
    )


class BaselinePlan(Struct, frozen=True):
    """What a plain rule makes of a problem, to compare a plan with.

    ``places`` are ``(machine, setup_start, start, end)`` in the order of the problem's operations: the machine's
    place in the problem's list, -1 outside, and an end below 0 where the operation has no place.
    """

    metrics: Metrics
    places: tuple[tuple[int, int, int, int], ...]


OnIncumbent = Callable[[Incumbent, Callable[[], Result]], None]
"""Called with each better plan; its second argument builds the (unchecked) result, for callers who store it."""


def encode(result: Result) -> bytes:
    """The result as JSON text."""
    return msgspec.json.encode(result)


def decode(data: bytes | str) -> Result:
    """The result written by ``encode``.

    Raises:
        msgspec.ValidationError: not a result.
    """
    return msgspec.json.decode(data, type=Result)
