"""Opening an organisation: a live tenant and its sandbox, each with an owner key."""

import msgspec

from woaas_core.db.database import Database
from woaas_core.db.tenancy import APP
from woaas_core.ids import encode_id, uuid7
from woaas_core.settings import Settings
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator
from woaas_security.tenants.service import NewTenant, create


class Opened(msgspec.Struct):
    """What the command prints."""

    tenant_id: str
    api_key: str
    test_api_key: str


async def open_organisation(settings: Settings, *, name: str, plan: str = "standard") -> Opened:
    """Make both tenants, each in a transaction of its own."""
    database = await Database.connect(settings.database_url, role=APP, size=1)
    authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
    organisation = uuid7()
    keys: dict[bool, str] = {}
    ids: dict[bool, str] = {}
    try:
        for livemode in (True, False):
            async with database.unit_of_work() as uow:
                new = NewTenant(name, organisation, livemode=livemode, plan=plan)
                ids[livemode] = encode_id("ten", await create(uow, new))
                _, keys[livemode] = await authenticator.create_key(uow, name="owner", roles=["owner"])
    finally:
        await database.close()
    return Opened(ids[True], keys[True], keys[False])
