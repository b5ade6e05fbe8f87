"""Which fields are restricted: those that a tenant's own policy keeps from some role, masked ones too. Pure.

The one definition of it: a request that reads a restricted field leaves an entry of the log, whoever reads it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from woaas_security.authz.lines import ANY, PolicyLine, covers
from woaas_security.authz.resource import Resource


class Restriction(NamedTuple):
    """A field, a member of an open one or a beginning of names, in one class of data or in all (``*``)."""

    field: str
    data_class: str


def restrictions(lines: Iterable[PolicyLine], resource: Resource, family: str | None) -> tuple[Restriction, ...]:
    """What a tenant's own lines keep back of a kind of object."""
    names = (ANY, resource.name, family)
    found = {
        Restriction(line.field, line.data_class)
        for line in lines
        if line.action == "read" and line.effect == "deny" and line.resource in names
    }
    return tuple(sorted(found))


def restricted_in(
    resource: Resource, found: Iterable[Restriction], shown: Mapping[str, Any], data_class: str | None
) -> set[str]:
    """The restricted fields among those shown with a value; where the class is not known every restriction holds."""
    masked = {pointer.removeprefix("/").replace("/", ".") for pointer in shown.get("masked_fields", ())}
    names = {name for name in shown if name in resource.names and name != "id"}
    for name in resource.open_fields & names:
        names |= {f"{name}.{member}" for member in shown[name] or ()}
    names -= masked
    held = [one.field for one in found if data_class is None or one.data_class in (ANY, data_class)]
    return {name for name in names if any(covers(field, name) for field in held)}
