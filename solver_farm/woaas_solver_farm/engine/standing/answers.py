"""What a standing plan answers."""

from typing import Literal

from msgspec import Struct

from woaas_solver_farm.result import Assignment, Metrics

Refusal = Literal[
    "unknown_operation",
    "no_capable_resource",
    "no_room",
    "wrong_machine",
    "frozen",
    "in_frozen_window",
    "before_release",
    "before_predecessor",
    "after_deadline",
    "closed",
    "no_operator",
    "no_tool",
    "occupied",
    "blocked",
]


class Stay(Struct, frozen=True, kw_only=True):
    """Where and when."""

    machine: str | None
    operator: str | None
    setup_start: int
    start: int
    end: int


class Moved(Struct, frozen=True, kw_only=True):
    """An operation that had a place and gets another; None is no place."""

    job: str
    operation: str
    before: Stay
    after: Stay | None


class JobChange(Struct, frozen=True, kw_only=True):
    """A job that ends at another time; None is that it does not end for lack of a place."""

    job: str
    due: int | None
    before: int | None
    after: int | None

    @property
    def is_late(self) -> bool:
        """Whether it now misses its due time."""
        return self.due is not None and (self.after is None or self.after > self.due)

    @property
    def became_late(self) -> bool:
        """Whether it was in time before."""
        return self.is_late and (self.due is None or (self.before is not None and self.before <= self.due))


class Answer(Struct, frozen=True, kw_only=True):
    """What would come of a change: ``places`` are the operations asked about, ``moved`` everybody else.

    ``refusal`` says why it cannot be; then nothing else is filled in. ``delta`` is ``metrics`` less those before.
    """

    refusal: Refusal | None = None
    places: tuple[Assignment, ...] = ()
    moved: tuple[Moved, ...] = ()
    jobs: tuple[JobChange, ...] = ()
    metrics: Metrics | None = None
    delta: dict[str, float] = {}

    @property
    def end(self) -> int | None:
        """When the last of the operations asked about is over."""
        return max((a.end for a in self.places), default=None)
