"""Use cases of tenants."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.db.statements import Statement
from woaas_core.events.envelope import event_type
from woaas_core.ids import encode_id, uuid7
from woaas_security.tenants import repository

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

TENANT_CREATED = event_type("tenant.created", "A tenant was opened.")

_SET_TENANT = Statement.text("SELECT set_config('app.tenant_id', $1, true)", "tenant_id")


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What a tenant starts with; the sandbox shares the organisation id of its live twin."""

    name: str
    organisation_id: UUID
    livemode: bool
    currency: str = "CNY"
    time_zone: str = "UTC"
    plan: str = "standard"


async def create(uow: "UnitOfWork", new: NewTenant) -> UUID:
    """Open a tenant and enter it for the rest of the transaction."""
    tenant_id = uuid7()
    await uow.first(_SET_TENANT, tenant_id=str(tenant_id))
    uow.tenant_id, uow.livemode = tenant_id, new.livemode
    await repository.insert(
        uow,
        {
            "id": tenant_id,
            "organisation_id": new.organisation_id,
            "name": new.name,
            "livemode": new.livemode,
            "currency": new.currency,
            "time_zone": new.time_zone,
            "plan": new.plan,
            "policy_version": 0,
            "release_allowance": None,
            "created_at": uow.clock.now(),
        },
    )
    uow.record(TENANT_CREATED, subject=encode_id("ten", tenant_id), data={"name": new.name, "plan": new.plan})
    return tenant_id
