"""What a policy is made of: lines of the built-in roles, and the lines, roles and grants of one tenant."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple
from uuid import UUID

ANY = "*"
SYSTEM_ROLE = "system"
OWNER_ROLE = "owner"
GUEST_ROLES = frozenset({"partner", "customer"})
"""Outsiders in the owner's tenant: they see rows of a scope only, and nothing where a resource has none for them."""
FIELD_ACTIONS = ("read", "mask", "write")


class PolicyLine(NamedTuple):
    """``role`` may (or, with effect deny, may not) do ``action`` to ``field`` of ``resource``; ``*`` is any.

    ``field`` may be a member of an open field (``custom_fields.margin``) or, with a last ``*``, a beginning of names.
    ``data_class`` limits a line to objects of that class.
    """

    role: str
    resource: str
    field: str
    action: str
    effect: str = "allow"
    data_class: str = ANY


class GrantLine(NamedTuple):
    """Fields opened for reading to a role, or to one key or member by its id, for a purpose and until a time."""

    id: UUID
    to: str
    resource: str
    fields: tuple[str, ...]
    purpose: str
    expires_at: datetime


@dataclass(frozen=True)
class BuiltIn:
    """The nine roles of the contract and the families of resources that share policy lines."""

    lines: tuple[PolicyLine, ...]
    families: tuple[tuple[str, str], ...]

    @cached_property
    def by_role(self) -> Mapping[str, Sequence[PolicyLine]]:
        """The lines of each role."""
        return by_role(self.lines)

    @cached_property
    def family_of(self) -> Mapping[str, str]:
        """The family of each resource that is in one."""
        return dict(self.families)

    @classmethod
    def read(cls) -> "BuiltIn":
        """From ``policy.csv`` beside this module."""
        text = files("woaas_security.authz").joinpath("policy.csv").read_text()
        rows = csv.reader(line for line in text.splitlines() if line and not line.startswith("#"))
        cells = [[cell.strip() for cell in row] for row in rows]
        return cls(
            lines=tuple(PolicyLine(*c[1:]) for c in cells if c[0] == "p"),
            families=tuple((c[1], c[2]) for c in cells if c[0] == "g2"),
        )


class OwnPolicy(NamedTuple):
    """What a tenant adds to the built-in roles.

    ``replaced`` are (role, resource, field) whose built-in lines a field policy takes the place of; ``inherits`` gives
    each custom role the built-in ones it has all of. ``closing`` is how far the deletion of the tenant is: empty,
    closing or beyond.
    """

    lines: tuple[PolicyLine, ...] = ()
    inherits: Mapping[str, frozenset[str]] = {}
    replaced: frozenset[tuple[str, str, str]] = frozenset()
    grants: tuple[GrantLine, ...] = ()
    closing: str = ""


NOTHING_OWN = OwnPolicy()


def by_role(lines: Iterable[PolicyLine]) -> dict[str, list[PolicyLine]]:
    """Lines by the role that they are of."""
    found: dict[str, list[PolicyLine]] = {}
    for line in lines:
        found.setdefault(line.role, []).append(line)
    return found


def covers(named: str, asked: str) -> bool:
    """Whether a line that names one field holds for another: itself, its members, or names that begin so."""
    if named in (ANY, asked) or asked.startswith(f"{named}."):
        return True
    return named.endswith(ANY) and asked.startswith(named[:-1])
