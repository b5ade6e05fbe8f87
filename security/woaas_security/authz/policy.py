"""A tenant's policy at one version, compiled to masks as they are asked for and kept while the version holds."""

from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from woaas_security.authz.access import Access
from woaas_security.authz.compile import Verdict, add_grants, decide, decide_asking, is_symbolic, universe_of
from woaas_security.authz.enforcer import Enforcer
from woaas_security.authz.lines import (
    ANY,
    FIELD_ACTIONS,
    GUEST_ROLES,
    NOTHING_OWN,
    BuiltIn,
    GrantLine,
    OwnPolicy,
    PolicyLine,
    by_role,
)
from woaas_security.authz.resource import Resource
from woaas_security.authz.restricted import Restriction, restrictions

_KEPT_TENANTS = 2_000
_KEPT_MASKS = 1_000


class _Compiled(NamedTuple):
    access: Access
    guests: frozenset[str]


class TenantPolicy:
    """The policy of one tenant at one version."""

    def __init__(self, built_in: BuiltIn, own: OwnPolicy = NOTHING_OWN, *, version: int) -> None:
        self.version = version
        self.own = own
        self._built_in = built_in
        self._own = by_role(own.lines)
        self._compiled: OrderedDict[object, _Compiled] = OrderedDict()
        self._restrictions: dict[str, tuple[Restriction, ...]] = {}

    def with_own(self, own: OwnPolicy) -> "TenantPolicy":
        """The policy of the same version with other lines of the tenant's: what a change would make of it."""
        return TenantPolicy(self._built_in, own, version=self.version)

    def access(self, roles: frozenset[str], resource: Resource, grants: tuple[GrantLine, ...] = ()) -> Access:
        """The verdict for a set of roles and the grants in force, compiled on first use."""
        return self._of(roles, resource, grants).access

    def guest_roles(
        self, roles: frozenset[str], resource: Resource, grants: tuple[GrantLine, ...] = ()
    ) -> frozenset[str]:
        """The scopes whose rows alone these roles show; empty where they show every row of the tenant."""
        return self._of(roles, resource, grants).guests

    def restrictions(self, resource: Resource) -> tuple[Restriction, ...]:
        """What of a kind of object the tenant's own policy keeps from some role or other."""
        if not self.own.lines:
            return ()
        found = self._restrictions.get(resource.name)
        if found is None:
            family = self._built_in.family_of.get(resource.name)
            found = self._restrictions[resource.name] = restrictions(self.own.lines, resource, family)
        return found

    def are_guests(self, roles: frozenset[str]) -> bool:
        """Whether these are roles of outsiders only."""
        return all(self._is_guest(role) for role in roles)

    def enforce(
        self,
        roles: frozenset[str],
        resource: Resource,
        field: str,
        action: str,
        data_class: str | None = None,
        grants: tuple[GrantLine, ...] = (),
    ) -> bool:
        """What Casbin itself says of one field or action: what masks are compiled from, and proven equal to."""
        granted = self._in_force(roles, grants, resource)
        giving = self._giving(roles, resource)
        return self._enforcer.enforce(giving, granted, resource.name, field, action, data_class)

    def verdict(
        self, roles: frozenset[str], resource: Resource, data_class: str | None, grants: tuple[GrantLine, ...]
    ) -> Verdict:
        """What lines and grants say of objects of one class of data (None: of a class that no line names)."""
        return self._verdict(self.lines_about(roles, resource), roles, resource, data_class, grants)

    def _verdict(
        self,
        lines: Sequence[PolicyLine],
        roles: frozenset[str],
        resource: Resource,
        data_class: str | None,
        grants: tuple[GrantLine, ...],
    ) -> Verdict:
        grants = self._in_force(roles, grants, resource)
        universe = universe_of(resource, {line.field for line in lines}.union(*(g.fields for g in grants)))
        if is_symbolic(lines):
            made = decide(resource, lines, universe, data_class)
        else:
            made = decide_asking(
                resource, universe, lambda field, action: self.enforce(roles, resource, field, action, data_class)
            )
        return add_grants(made, grants)

    def lines_about(self, roles: frozenset[str], resource: Resource) -> list[PolicyLine]:
        """The lines that decide for a set of roles on a resource, in the order of the policy."""
        names = (ANY, resource.name, self._built_in.family_of.get(resource.name))
        held = sorted(self._with_inherited(self._giving(roles, resource)))
        lines = [line for role in held for line in self._built_in.by_role.get(role, ()) if line.resource in names]
        if self.own.replaced:
            lines = [line for line in lines if not _is_replaced(line, self.own)]
        return lines + [line for role in held for line in self._own.get(role, ()) if line.resource in names]

    @cached_property
    def _enforcer(self) -> Enforcer:
        lines = [*(x for x in self._built_in.lines if not _is_replaced(x, self.own)), *self.own.lines]
        inherits = ((role, base) for role, bases in self.own.inherits.items() for base in bases)
        return Enforcer(lines, self._built_in.families, inherits, self.own.grants)

    def _of(self, roles: frozenset[str], resource: Resource, grants: tuple[GrantLine, ...]) -> _Compiled:
        key = (roles, resource.name, grants)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = self._compile(roles, resource, self._in_force(roles, grants, resource))
            if len(self._compiled) > _KEPT_MASKS:
                self._compiled.popitem(last=False)
        return found

    def _compile(self, roles: frozenset[str], resource: Resource, grants: tuple[GrantLine, ...]) -> _Compiled:
        lines = self.lines_about(roles, resource)
        classes = sorted({line.data_class for line in lines} - {ANY})
        otherwise = self._verdict(lines, roles, resource, None, grants)
        if classes:
            named = {c: self._verdict(lines, roles, resource, c, grants) for c in classes}
            access = Access.by_class(resource, otherwise, named)
        else:
            access = Access(resource, otherwise)
        return _Compiled(access, self._guests(roles, resource, grants))

    def _guests(self, roles: frozenset[str], resource: Resource, grants: tuple[GrantLine, ...] = ()) -> frozenset[str]:
        """A role that shows nothing of the resource does not open its rows either."""
        if not resource.scopes or not any(self._is_guest(r) for r in roles):
            return frozenset()
        giving = [r for r in roles if len(roles) == 1 or self.access(frozenset({r}), resource).sees_anything]
        giving += [g.to for g in grants if g.to in roles] or (list(roles) if grants else [])
        scopes = [self._bases(r) & resource.scopes.keys() if self._is_guest(r) else frozenset() for r in giving]
        return frozenset().union(*scopes) if all(scopes) else frozenset()

    def _giving(self, roles: frozenset[str], resource: Resource) -> frozenset[str]:
        """The roles but those of guests where the resource has no rows set apart for them."""
        scopes = resource.scopes.keys()
        return frozenset(r for r in roles if not self._is_guest(r) or self._bases(r) & scopes)

    def _in_force(
        self, roles: frozenset[str], grants: tuple[GrantLine, ...], resource: Resource
    ) -> tuple[GrantLine, ...]:
        """The grants on a resource; none of them opens rows to a guest for whom none are set apart."""
        if not grants or not self._giving(roles, resource):
            return ()
        given = self._giving(roles, resource)
        return tuple(g for g in grants if g.resource == resource.name and (g.to not in roles or g.to in given))

    def _is_guest(self, role: str) -> bool:
        return self._bases(role) <= GUEST_ROLES

    def _bases(self, role: str) -> frozenset[str]:
        """The built-in roles that a role is made of: itself, if it is one."""
        return self.own.inherits.get(role) or frozenset({role})

    def _with_inherited(self, roles: frozenset[str]) -> frozenset[str]:
        return roles.union(*(self.own.inherits.get(r, frozenset()) for r in roles))


class PolicyCache:
    """Compiled policies of recently seen tenants; a new version of a tenant replaces the old one."""

    def __init__(self) -> None:
        self.built_in = BuiltIn.read()
        self._plain = TenantPolicy(self.built_in, version=0)
        self._kept: OrderedDict[UUID, TenantPolicy] = OrderedDict()

    def find(self, tenant_id: UUID, version: int) -> TenantPolicy | None:
        """The policy if it is known at exactly this version; version 0 has only the built-in roles."""
        if version == 0:
            return self._plain
        kept = self._kept.get(tenant_id)
        if kept is None or kept.version != version:
            return None
        self._kept.move_to_end(tenant_id)
        return kept

    def put(self, tenant_id: UUID, version: int, own: OwnPolicy) -> TenantPolicy:
        """Build and keep a tenant's policy from what it adds."""
        made = TenantPolicy(self.built_in, own, version=version)
        self._kept[tenant_id] = made
        self._kept.move_to_end(tenant_id)
        if len(self._kept) > _KEPT_TENANTS:
            self._kept.popitem(last=False)
        return made


def _is_replaced(line: PolicyLine, own: OwnPolicy) -> bool:
    return line.action in FIELD_ACTIONS and (line.role, line.resource, line.field) in own.replaced
