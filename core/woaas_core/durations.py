"""ISO 8601 durations on the wire: days at most, one canonical form out."""

import re
from datetime import timedelta

_PATTERN = re.compile(
    r"P(?:(?P<weeks>\d{1,4})W|(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,6})?)S)?)?)",
    re.ASCII,
)


def parse_duration(text: str) -> timedelta:
    """Read ``PT1H30M``; years and months are refused because their length is not fixed.

    Raises:
        ValueError: not such a duration.
    """
    match = _PATTERN.fullmatch(text)
    if match is None or text == "P":
        msg = f"{text!r} is not an ISO 8601 duration of weeks, days, hours, minutes and seconds, such as PT1H30M"
        raise ValueError(msg)
    parts = {name: float(value) for name, value in match.groupdict().items() if value}
    return timedelta(**parts)


def format_duration(value: timedelta) -> str:
    """The canonical form: no zero parts, ``PT0S`` for nothing."""
    if value < timedelta(0):
        return "-" + format_duration(-value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06d}".rstrip("0") if value.microseconds else ""
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    time += f"{seconds}{fraction}S" if seconds or fraction else ""
    date = f"{value.days}D" if value.days else ""
    if not date and not time:
        return "PT0S"
    return f"P{date}T{time}" if time else f"P{date}"
