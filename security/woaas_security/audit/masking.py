"""Events through a mask: whoever may follow the log still learns of an object only what its fields show him."""

from collections.abc import Iterable, Mapping
from typing import Any

from woaas_security.authz.access import Access, no_access
from woaas_security.authz.classes import COLUMN
from woaas_security.authz.resource import Resource
from woaas_security.principal import Principal


def visible_events(
    principal: Principal, events: Iterable[Mapping[str, Any]], subjects: Mapping[str, Resource]
) -> list[dict[str, Any]]:
    """Events as a caller may see them; one that tells of hidden fields only is left out, as if it had not been."""
    shown = (visible_event(principal, event, subjects) for event in events)
    return [event for event in shown if event is not None]


def visible_event(
    principal: Principal, event: Mapping[str, Any], subjects: Mapping[str, Resource]
) -> dict[str, Any] | None:
    """One event (anything with ``subject`` and ``data``); None where nothing of it is for the caller."""
    access = access_to(principal, event["subject"], event["data"], subjects)
    if access is None or access.is_whole or not event["data"]:
        return dict(event)
    if access.resource.classes is not None and not access.sees_anything:
        return None
    data = visible_data(access, event["data"])
    return None if data is None else {**event, "data": data}


def access_to(
    principal: Principal, subject: str, data: Mapping[str, Any], subjects: Mapping[str, Resource]
) -> Access | None:
    """The mask over what is said of an event's subject; None where it is of no resource.

    Of an object whose access class is closed nothing is open, not even that it is there.
    """
    resource = subjects.get(subject.partition("_")[0])
    if resource is None:
        return None
    if resource.classes is not None and not principal.access(resource.classes).reads(str(data.get(COLUMN))):
        return no_access(resource)
    return principal.access(resource)


def visible_data(access: Access, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """An event's data without what the mask hides; None where it names changed fields and all are hidden."""
    known = access.resource.names
    shown = {name: value for name, value in data.items() if name not in known or name in access.readable}
    if "fields" in data:
        shown["fields"] = [name for name in data["fields"] if name not in known or access.is_known(name)]
        if not shown["fields"]:
            return None
    return shown
