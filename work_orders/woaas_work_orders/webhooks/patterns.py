"""Which types of events are wanted: a type, all of a noun's (``work_order.*``), or ``*``. Pure."""

from collections.abc import Iterable, Sequence

from woaas_core.errors import FieldError, Invalid
from woaas_core.events.envelope import event_types

_ALL = "*"


def is_wanted(kind: str, patterns: Iterable[str]) -> bool:
    """Whether an event of this type is among those wanted."""
    return any(_covers(pattern, kind) for pattern in patterns)


def checked(patterns: Sequence[str]) -> list[str]:
    """The patterns, each once; every one must stand for a type of the catalogue.

    Raises:
        Invalid: there is no such type, or it is one of reads, which are entries of the audit log only.
    """
    known = [kind.name for kind in event_types()]
    detail = "There is no such type of event; GET /v1/event-types lists them, and work_order.* is all of a noun's."
    errors = [
        FieldError(f"/events/{i}", "invalid", detail)
        for i, pattern in enumerate(patterns)
        if not any(_covers(pattern, kind) for kind in known)
    ]
    if errors:
        raise Invalid(detail, errors=tuple(errors))
    return list(dict.fromkeys(patterns))


def _covers(pattern: str, kind: str) -> bool:
    return pattern in (_ALL, kind) or (pattern.endswith(".*") and kind.startswith(pattern[:-1]))
