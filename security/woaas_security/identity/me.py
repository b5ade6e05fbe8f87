"""What a caller is told about himself."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from woaas_core.ids import encode_id
from woaas_security.authz.resource import Resource
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


async def describe(uow: "UnitOfWork", principal: Principal, resources: Iterable[Resource]) -> dict[str, Any]:
    """The caller, his tenant, and what of each resource he may see and do."""
    tenant = await tenants.get(uow)
    seen = ((r.name, principal.access(r)) for r in resources)
    return {
        "id": principal.actor.id,
        "type": principal.kind,
        "name": principal.name,
        "tenant_id": encode_id("ten", principal.tenant_id),
        "tenant_name": tenant["name"],
        "time_zone": tenant["time_zone"],
        "livemode": principal.livemode,
        "roles": sorted(principal.roles),
        "scopes": sorted(principal.scopes or ()),
        "permissions": {name: access.permissions() for name, access in seen if access.sees_anything},
    }
