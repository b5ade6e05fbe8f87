"""All SQL about connections and identities."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, delete, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.sso.models import sso_answers, sso_connections, user_identities

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_C, _I = sso_connections.c, user_identities.c
_TENANT: BindParameter[UUID] = bindparam("tenant")
_ID: BindParameter[UUID] = bindparam("connection")
_ONE = (_C.tenant_id == _TENANT, _C.id == _ID)
_SETTINGS = (
    *("name", "client_id", "client_secret", "sign_on_url", "certificates"),
    *("domains", "verified_domains", "domains_due_at"),
    *("roles", "role_claim", "role_map", "enforced", "enabled"),
)

_INSERT = insert_row(sso_connections)
_INSERT_IDENTITY = insert_row(user_identities)
_GET = Statement(select(sso_connections).where(*_ONE))
_GET_LOCKED = Statement(select(sso_connections).where(*_ONE).with_for_update())
_UPDATE = Statement(
    update(sso_connections)
    .where(*_ONE)
    .values(
        **{n: bindparam(f"new_{n}", type_=_C[n].type) for n in _SETTINGS},
        version=_C.version + 1,
        updated_at=bindparam("now"),
    )
    .returning(*_C)
)
_DELETE = Statement(delete(sso_connections).where(*_ONE))
_DELETE_IDENTITIES = Statement(delete(user_identities).where(_I.tenant_id == _TENANT, _I.connection_id == _ID))
_UNLINK = Statement(delete(user_identities).where(_I.tenant_id == _TENANT, _I.user_id == bindparam("user")))
_USER_OF = Statement(
    select(_I.user_id).where(_I.tenant_id == _TENANT, _I.connection_id == _ID, _I.subject == bindparam("subject"))
)
_IS_LINKED = Statement.text(
    "SELECT EXISTS (SELECT FROM user_identities WHERE tenant_id = $1 AND user_id = $2)", "tenant", "user"
)
_BY_DOMAIN = Statement.text("SELECT * FROM sso_by_domain($1)", "domain")
_ENTER = Statement.text("SELECT * FROM enter_sso($1)", "connection")
_IS_ENFORCED = Statement.text(
    "SELECT EXISTS (SELECT FROM sso_connections WHERE tenant_id = $1 AND enabled AND enforced"
    " AND verified_domains <> '{}')",
    "tenant",
)
_WAY_OF = Statement(
    select(_C.id, _C.name)
    .join(user_identities, (_I.tenant_id == _C.tenant_id) & (_I.connection_id == _C.id))
    .where(_C.tenant_id == _TENANT, _C.enabled, _I.user_id == bindparam("user"))
)
_DUE = Statement(
    select(_C.id, _C.domains, _C.updated_at)
    .where(_C.tenant_id == _TENANT, _C.domains_due_at <= bindparam("now"))
    .limit(20)
    .with_for_update(skip_locked=True)
)
_POSTPONE = Statement(update(sso_connections).where(*_ONE).values(domains_due_at=bindparam("until")))
_TAKE_ANSWER = Statement.text(
    "INSERT INTO sso_answers (tenant_id, digest, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    *("tenant", "digest", "until"),
)
_FORGET = Statement(
    delete(sso_answers).where(sso_answers.c.tenant_id == _TENANT, sso_answers.c.expires_at <= bindparam("now"))
)


async def insert(uow: "UnitOfWork", values: Mapping[str, object]) -> None:
    """Add a connection."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)


async def get(uow: "UnitOfWork", connection_id: UUID, *, lock: bool = False) -> "Record | None":
    """A connection of the entered tenant."""
    return await uow.first(_GET_LOCKED if lock else _GET, tenant=uow.tenant, connection=connection_id)


async def change(uow: "UnitOfWork", connection_id: UUID, values: Mapping[str, object]) -> "Record":
    """Set everything that may change."""
    new = {f"new_{n}": values[n] for n in _SETTINGS}
    row = await uow.first(_UPDATE, tenant=uow.tenant, connection=connection_id, now=uow.clock.now(), **new)
    assert row is not None
    return row


async def remove(uow: "UnitOfWork", connection_id: UUID) -> None:
    """Delete a connection with what it knew our users as."""
    for statement in (_DELETE_IDENTITIES, _DELETE):
        await uow.execute(statement, tenant=uow.tenant, connection=connection_id)


async def by_domain(uow: "UnitOfWork", domain: str) -> "list[Record]":
    """Connections in use, in every tenant, that vouch for a verified domain: id and name."""
    return await uow.all(_BY_DOMAIN, domain=domain)


async def enter(uow: "UnitOfWork", connection_id: UUID) -> "Record | None":
    """A connection that is in use; enters its tenant."""
    row = await uow.first(_ENTER, connection=connection_id)
    if row is None:
        return None
    uow.tenant_id, uow.livemode = row["tenant_id"], row["livemode"]
    return await get(uow, connection_id)


async def is_enforced(uow: "UnitOfWork") -> bool:
    """Whether people of the entered tenant have to come by their identity provider."""
    return bool(await uow.value(_IS_ENFORCED, tenant=uow.tenant))


async def user_of(uow: "UnitOfWork", connection_id: UUID, subject: str) -> UUID | None:
    """The user whom a provider calls so."""
    found: UUID | None = await uow.value(_USER_OF, tenant=uow.tenant, connection=connection_id, subject=subject)
    return found


async def is_linked(uow: "UnitOfWork", user_id: UUID) -> bool:
    """Whether some provider knows a user."""
    return bool(await uow.value(_IS_LINKED, tenant=uow.tenant, user=user_id))


async def way_of(uow: "UnitOfWork", user_id: UUID) -> "Record | None":
    """The connection in use by which a user signs in: id and name."""
    return await uow.first(_WAY_OF, tenant=uow.tenant, user=user_id)


async def link(uow: "UnitOfWork", connection_id: UUID, subject: str, user_id: UUID) -> None:
    """Note whom a provider calls so."""
    await uow.execute(
        _INSERT_IDENTITY,
        tenant_id=uow.tenant,
        connection_id=connection_id,
        subject=subject,
        user_id=user_id,
        created_at=uow.clock.now(),
    )


async def unlink(uow: "UnitOfWork", user_id: UUID) -> None:
    """Forget what providers call a user."""
    await uow.execute(_UNLINK, tenant=uow.tenant, user=user_id)


async def due(uow: "UnitOfWork") -> "list[Record]":
    """Connections whose domains are to be looked up now."""
    return await uow.all(_DUE, tenant=uow.tenant, now=uow.clock.now())


async def postpone(uow: "UnitOfWork", connection_id: UUID, until: datetime) -> None:
    """Look a connection's domains up again then."""
    await uow.execute(_POSTPONE, tenant=uow.tenant, connection=connection_id, until=until)


async def take_answer(uow: "UnitOfWork", digest: bytes, until: datetime) -> bool:
    """Note that an answer was taken; False where it had been."""
    return await uow.execute(_TAKE_ANSWER, tenant=uow.tenant, digest=digest, until=until) == 1


async def forget_answers(uow: "UnitOfWork") -> int:
    """Delete the notes of answers that are too old to be taken."""
    return await uow.execute(_FORGET, tenant=uow.tenant, now=uow.clock.now())
