"""Events through a mask: whoever may follow the log still learns of an object only what its fields show him."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from woaas_core.errors import Forbidden
from woaas_core.events.feed import FeedFilter
from woaas_security.audit.resources import EVENT
from woaas_security.authz.access import Access, no_access
from woaas_security.authz.classes import COLUMN
from woaas_security.authz.resource import Resource
from woaas_security.principal import Principal

# The members of a CloudEvent that are fields of an event and that it can be without.
_MEMBERS = {"subject": "subject", "time": "recorded_at", "workorder": "work_order_id"}


def require_feed(principal: Principal, wanted: FeedFilter) -> None:
    """Refuse to follow the log to who may not, or by what he may not see of an event.

    Raises:
        Forbidden: he reads no events, or not of what type they are.
        UnknownParameter: he may not see what he asks by.
    """
    access = principal.require(EVENT, "read")
    if not access.reads("type"):
        raise Forbidden
    asked = {"work_order_id": wanted.work_order, "recorded_at": wanted.since or wanted.until}
    for name, value in asked.items():
        if value is not None:
            access.readable_field(name)


def visible_events(
    principal: Principal, events: Iterable[Mapping[str, Any]], subjects: Mapping[str, Resource]
) -> list[dict[str, Any]]:
    """Events of the feed as a caller may see them; what tells of hidden fields only is left out, as if it were not."""
    shown = (fed_event(principal, event, subjects) for event in events)
    return [event for event in shown if event is not None]


def fed_event(
    principal: Principal, event: Mapping[str, Any], subjects: Mapping[str, Resource]
) -> dict[str, Any] | None:
    """A CloudEvent as its feed and its webhooks show it; None where nothing of it is for the caller."""
    access = principal.access(EVENT)
    shown = visible_event(principal, event, subjects) if access.reads("type") else None
    if shown is None or access.is_whole:
        return shown
    return {name: value for name, value in shown.items() if name not in _MEMBERS or access.reads(_MEMBERS[name])}


def visible_event(
    principal: Principal, event: Mapping[str, Any], subjects: Mapping[str, Resource]
) -> dict[str, Any] | None:
    """One event (with ``subject``, ``data`` and, of what changed, ``moved``); None where nothing is for the caller."""
    access = access_to(principal, event["subject"], event["data"], subjects)
    shown = {name: value for name, value in event.items() if name != "moved"}
    if access is None or access.is_whole:
        return shown
    if tells_of_hidden_only(access, event["moved"]):
        return None
    if not event["data"]:
        return shown
    if access.resource.classes is not None and not access.sees_anything:
        return None
    data = visible_data(access, event["data"])
    return None if data is None else {**shown, "data": data}


def tells_of_hidden_only(access: Access, moved: Collection[str]) -> bool:
    """Whether all that changed is hidden: then not even that something did, or when, is for the caller."""
    return bool(moved) and all(name in access.resource.names and not access.is_known(name) for name in moved)


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
