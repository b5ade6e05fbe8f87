"""The one error of an unusable problem, with a JSON pointer (RFC 6901) to every fault."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_PATH = re.compile(r"^(?P<detail>.*?)(?: - at `(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class Fault(NamedTuple):
    """One thing wrong with a problem."""

    pointer: str
    code: str
    detail: str


class ProblemError(ValueError):
    """A problem that cannot be solved as written; ``faults`` names each place."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        first = self.faults[0]
        more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
        super().__init__(f"{first.pointer or '/'}: {first.detail}{more}")


def fault_of(message: str) -> Fault:
    """The fault a msgspec validation message tells of, its path turned into a JSON pointer."""
    match = _PATH.match(message)
    path, detail = (match["path"] or "", match["detail"]) if match else ("", message)
    pointer = "".join(f"/{name or index}" for name, index in _STEP.findall(path))
    unknown = re.search(r"unknown field `(.*)`", detail)
    if unknown:
        return Fault(f"{pointer}/{unknown[1]}", "unknown_field", detail)
    return Fault(pointer, "invalid_value", detail)
