"""The only place that reads the time."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where "now" comes from."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


class FrozenClock:
    """A clock that moves only when told to."""

    def __init__(self, at: datetime) -> None:
        self.at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The instant the clock stands at."""
        return self.at

    def advance(self, by: timedelta) -> None:
        """Move forward; a negative step is refused, since time here never runs backward."""
        if by < timedelta(0):
            msg = "a clock moves forward only"
            raise ValueError(msg)
        self.at += by
