"""Instants as the solver counts them: whole ticks of one minute from the horizon's start."""

from datetime import UTC, datetime, timedelta

import msgspec

TICK = timedelta(minutes=1)
TICK_TEXT = "PT1M"


class Horizon(msgspec.Struct, frozen=True):
    """A stretch of time to plan: starts at a full minute, ``ticks`` long."""

    start_at: datetime
    ticks: int

    @classmethod
    def of(cls, start_at: datetime, length: timedelta) -> "Horizon":
        """The horizon from the first full minute not before ``start_at``; nothing is planned into the past."""
        start = start_at.astimezone(UTC)
        whole = start.replace(second=0, microsecond=0)
        return cls(whole if whole == start else whole + TICK, ticks_up(length))

    @property
    def end_at(self) -> datetime:
        """The first instant after the horizon."""
        return self.at(self.ticks)

    def at(self, tick: int) -> datetime:
        """The instant of a tick, in UTC."""
        return self.start_at + tick * TICK

    def floor(self, at: datetime) -> int:
        """The tick an instant lies in; for ends of windows and due times, which must not move later."""
        return (at - self.start_at) // TICK

    def ceil(self, at: datetime) -> int:
        """The first tick not before an instant; for starts and releases, which must not move earlier."""
        return -((self.start_at - at) // TICK)


def ticks_up(length: timedelta) -> int:
    """A duration in ticks, rounded up so that no work is lost."""
    return -(-length // TICK)
