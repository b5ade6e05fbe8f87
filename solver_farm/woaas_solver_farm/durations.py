"""ISO 8601 durations of days at most, as seconds."""

import re

_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_SECONDS = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}


def seconds(text: str) -> float:
    """The length of a duration such as ``PT1H30M``.

    Raises:
        ValueError: not a duration of days, hours, minutes and seconds.
    """
    match = _DURATION.fullmatch(text)
    parts = {unit: value for unit, value in match.groupdict().items() if value} if match else {}
    if not parts or text.endswith("T"):
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as PT20S")
    return sum(float(value) * _SECONDS[unit] for unit, value in parts.items())
