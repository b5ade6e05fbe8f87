"""From a tenant's rows to the lines its policy is compiled from. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from woaas_security.authz.lines import ANY, FIELD_ACTIONS, GrantLine, OwnPolicy, PolicyLine

_ADDED = {
    "none": (("read", "deny"), ("mask", "deny"), ("write", "deny")),
    "masked": (("mask", "allow"),),
    "read": (("read", "allow"),),
    "write": (("read", "allow"), ("write", "allow")),
}
"""A permission of a role adds to what it inherits; only ``none`` takes away."""
_DECIDED = {
    "none": _ADDED["none"],
    "masked": (("mask", "allow"), ("read", "deny"), ("write", "deny")),
    "read": (("read", "allow"), ("write", "deny")),
    "write": _ADDED["write"],
}
"""A field policy is the last word on a field."""


class RoleRow(msgspec.Struct):
    """A role as stored."""

    code: str
    inherits: list[str]
    permissions: list[dict[str, Any]]
    is_archived: bool


class PolicyRow(msgspec.Struct):
    """A field policy as stored."""

    role: str
    resource: str
    field: str
    data_class: str
    access: str


class GrantRow(msgspec.Struct):
    """A grant as stored."""

    id: UUID
    to: str
    resource: str
    fields: list[str]
    purpose: str
    expires_at: datetime


class StoredPolicy(msgspec.Struct):
    """All that a tenant's policy is made of."""

    roles: list[RoleRow] = []
    field_policies: list[PolicyRow] = []
    grants: list[GrantRow] = []
    closing: str = ""

    def lines(self) -> OwnPolicy:
        """The policy in lines."""
        replaced = frozenset((p.role, p.resource, p.field) for p in self.field_policies if p.data_class == ANY)

        def stands(line: PolicyLine) -> bool:
            is_decided = line.action in FIELD_ACTIONS and (line.role, line.resource, line.field) in replaced
            return line.effect == "deny" or not is_decided

        return OwnPolicy(
            lines=(
                *(line for role in self.roles for line in _lines_of(role) if stands(line)),
                *(line for policy in self.field_policies for line in _lines_for(policy)),
            ),
            inherits={r.code: frozenset(r.inherits) for r in self.roles if not r.is_archived},
            replaced=replaced,
            grants=tuple(
                GrantLine(g.id, g.to, g.resource, tuple(g.fields), g.purpose, g.expires_at) for g in self.grants
            ),
            closing=self.closing,
        )


def _lines_of(role: RoleRow) -> Iterable[PolicyLine]:
    """An archived role gives nothing more, but what it forbids stays forbidden to those who still have it."""
    for one in role.permissions:
        found = [*_field_lines(role.code, one), *_action_lines(role.code, one)]
        yield from (line for line in found if line.effect == "deny" or not role.is_archived)


def _field_lines(role: str, one: Mapping[str, Any]) -> Iterable[PolicyLine]:
    for action, effect in _ADDED.get(one.get("access") or "", ()):
        yield PolicyLine(role, one["resource"], one["field"], action, effect, one["data_class"] or ANY)


def _action_lines(role: str, one: Mapping[str, Any]) -> Iterable[PolicyLine]:
    for action in one.get("actions") or ():
        yield PolicyLine(role, one["resource"], ANY, action)


def _lines_for(policy: PolicyRow) -> Iterable[PolicyLine]:
    for action, effect in _DECIDED[policy.access]:
        yield PolicyLine(policy.role, policy.resource, policy.field, action, effect, policy.data_class)
