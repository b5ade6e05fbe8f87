"""Wall-clock times of a factory to instants, where the clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def parse_time(text: str) -> datetime:
    """An ISO 8601 time, with or without an offset; slashes are taken for dashes.

    Raises:
        ValueError: it is none.
    """
    return datetime.fromisoformat(text.strip().replace("/", "-"))


def instants(time: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """What a wall-clock time may mean in UTC, the likeliest first.

    One that occurs twice, when clocks go back, means its first occurrence unless told otherwise. One that is skipped,
    when clocks go forward, means as much after the change as it lies after the last existing time.
    """
    if time.tzinfo is not None:
        return (time.astimezone(UTC),)
    likely, other = (time.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return (likely,) if likely == other else (likely, other)


def span(start: datetime, end: datetime, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The likeliest `[start, end)` in UTC that does not end before it starts; None where there is none."""
    for started_at in instants(start, zone):
        for ended_at in instants(end, zone):
            if ended_at >= started_at:
                return started_at, ended_at
    return None
