"""What an export was written under, compared with what is left when it is downloaded.

A file cannot be masked again. So it is handed out as long as its requester reads every field in it, in every class of
data, of at least the rows that he saw then.
"""

from collections.abc import Collection, Mapping
from typing import Any

from woaas_security.authz.access import Access
from woaas_security.authz.members import Members
from woaas_security.authz.resource import Resource
from woaas_security.principal import Principal

_OTHERWISE = ""
Rights = Mapping[str, Any]


def rights_of(principal: Principal, resource: Resource, only: Collection[str] | None) -> dict[str, Any]:
    """What somebody reads of a resource, as JSON: which rows, and which of the fields in each class of data."""
    by_class = principal.access(resource).each_class()
    return {
        "rows": _rows(principal, resource),
        "classes": {name or _OTHERWISE: _reads(access, only) for name, access in by_class.items()},
    }


def cover(now: Rights, then: Rights) -> bool:
    """Whether rights allow at least what others allowed."""
    if now["rows"] is not None and now["rows"] != then["rows"]:
        return False
    return all(
        _covers_class(now["classes"].get(name, now["classes"][_OTHERWISE]),
                      then["classes"].get(name, then["classes"][_OTHERWISE]))
        for name in {*now["classes"], *then["classes"]}
    )  # fmt: skip


def _rows(principal: Principal, resource: Resource) -> dict[str, Any] | None:
    """What the rows go by that somebody sees; None is every row of the tenant."""
    if resource.row_scope(principal) is None:
        return None
    roles = sorted(principal.guest_roles(resource))
    return {"roles": roles, "customer": principal.customer, "scope": dict(principal.scope)}


def _reads(access: Access, only: Collection[str] | None) -> dict[str, Any]:
    def wanted(names: Collection[str]) -> list[str]:
        return sorted(n for n in names if only is None or n in only)

    return {
        "fields": wanted(access.readable),
        "members": {name: _of_members(access.members[name]) for name in wanted(access.members)},
    }


def _of_members(members: Members) -> dict[str, list[str]]:
    return {"named": sorted(members.named), "readable": sorted(members.readable)}


def _covers_class(now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    if not set(then["fields"]) <= set(now["fields"]):
        return False
    return all(
        name in now["fields"] or _covers_members(name, now["members"].get(name), members)
        for name, members in then["members"].items()
    )


def _covers_members(name: str, now: Mapping[str, list[str]] | None, then: Mapping[str, list[str]]) -> bool:
    if now is None:
        return not then["readable"]

    def reads(members: Mapping[str, list[str]], one: str) -> bool:
        return (one if one in members["named"] else name) in members["readable"]

    return all(reads(now, one) or not reads(then, one) for one in {name, *now["named"], *then["named"]})
