"""Events through a mask: whoever may follow the log still learns of an object only what its fields show him."""

from collections.abc import Iterable, Mapping
from typing import Any

from woaas_security.authz.access import Access
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
    resource = subjects.get(event["subject"].partition("_")[0])
    access = None if resource is None else principal.access(resource)
    if access is None or access.is_whole or not event["data"]:
        return dict(event)
    data = visible_data(access, event["data"])
    return None if data is None else {**event, "data": data}


def visible_data(access: Access, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """An event's data without what the mask hides; None where it names changed fields and all are hidden."""
    known = access.resource.names
    shown = {name: value for name, value in data.items() if name not in known or name in access.readable}
    if "fields" in data:
        shown["fields"] = [name for name in data["fields"] if name not in known or access.is_known(name)]
        if not shown["fields"]:
            return None
    return shown
