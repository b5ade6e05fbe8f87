"""Nobody gives what he has not: what a change of policy or a new key would add is measured against the giver."""

from collections.abc import Iterable, Mapping

from woaas_core.errors import Forbidden
from woaas_security.authz.access import Access
from woaas_security.authz.policy import TenantPolicy
from woaas_security.authz.resource import Resource
from woaas_security.principal import Principal

Registry = Mapping[str, Resource]
"""Every kind of object that permissions are about, by name."""
Rights = frozenset[tuple[str, str]]


def rights(access: Access) -> Rights:
    """All that an access allows, as pairs of what and which field or action."""
    return frozenset((kind, name) for kind, names in access.permissions().items() for name in names)


def require_covered(principal: Principal, roles: frozenset[str], registry: Registry) -> None:
    """Refuse to hand on roles that have more than the giver.

    Raises:
        Forbidden: they do.
    """
    held = ((r, rights(principal.policy.access(roles, r).at_most())) for r in registry.values())
    _require(principal, held)


def require_no_gain(
    principal: Principal, before: TenantPolicy, after: TenantPolicy, changed: str, registry: Registry
) -> None:
    """Refuse a change by which a role, or one that inherits it, gets more than the one who makes it has.

    Raises:
        Forbidden: it does.
    """
    touched = [changed, *(r for r, bases in after.own.inherits.items() if changed in bases)]
    gained = (
        (resource, rights(after.access(one, resource).at_most()) - rights(before.access(one, resource)))
        for one in (frozenset({role}) for role in touched)
        for resource in registry.values()
    )
    _require(principal, gained)


def _require(principal: Principal, asked: Iterable[tuple[Resource, Rights]]) -> None:
    if principal.is_owner or principal.kind == "system":
        return
    giver = principal.lasting
    for resource, wanted in asked:
        if wanted and (wanted - rights(giver.access(resource)) or giver.guest_roles(resource)):
            msg = f"You cannot give rights on {resource.name.replace('_', ' ')}s that you do not have."
            raise Forbidden(msg)
