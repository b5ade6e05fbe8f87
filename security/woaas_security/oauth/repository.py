"""All SQL about applications, grants and tokens."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, func, select, true, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.identity.models import users
from woaas_security.oauth.models import oauth_clients, oauth_grants, oauth_tokens

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_C, _G, _T = oauth_clients.c, oauth_grants.c, oauth_tokens.c

_FIND_CLIENT = Statement.text("SELECT * FROM find_oauth_client($1)", "client")
_BY_TOKEN = Statement.text("SELECT * FROM authenticate_token($1, $2)", "found_tenant", "token")
_CLIENT = Statement(
    select(oauth_clients).where(_C.tenant_id == bindparam("tenant"), _C.id == bindparam("client")).with_for_update()
)
_LIVE_SCOPES = Statement.text(
    "SELECT scopes FROM oauth_clients WHERE tenant_id = $1 AND id = $2 AND (archived_at IS NULL OR archived_at > $3)",
    *("tenant", "client", "now"),
)
INSERT_CLIENT = insert_row(oauth_clients)
_CHANGED = ("name", "redirect_uris", "scopes", "secret_hash", "previous_secret_hash", "previous_secret_expires_at")
_UPDATE_CLIENT = Statement(
    update(oauth_clients)
    .where(_C.tenant_id == bindparam("tenant"), _C.id == bindparam("client"))
    .values({name: bindparam(name) for name in (*_CHANGED, "archived_at")})
    .returning(*_C)
)

INSERT_GRANT = insert_row(oauth_grants)
INSERT_TOKEN = insert_row(oauth_tokens)
_IS_ACTIVE = (users.c.state == "active") & func.coalesce(users.c.access_until > func.clock_timestamp(), true())
_USER = (users.c.email, users.c.name, _IS_ACTIVE.label("is_active"))
_OF_USER = (users.c.tenant_id == _G.tenant_id) & (users.c.id == _G.user_id)
# Locked, so that of two who come with the same code or token the second finds it used.
_CODE = Statement(
    select(*_G, *_USER)
    .join(users, _OF_USER)
    .where(_G.tenant_id == bindparam("tenant"), _G.code_hash == bindparam("hash"))
    .with_for_update(of=oauth_grants)
)
_REFRESH = Statement(
    select(*_T, *_USER, _G.revoked_at.label("grant_revoked_at"), _G.created_at.label("grant_created_at"))
    .join(oauth_grants, (_G.tenant_id == _T.tenant_id) & (_G.id == _T.grant_id))
    .join(users, _OF_USER)
    .where(_T.tenant_id == bindparam("tenant"), _T.token_hash == bindparam("hash"))
    .with_for_update(of=(oauth_tokens, oauth_grants))
)
_TOKEN = Statement(
    select(*_T, _G.revoked_at.label("grant_revoked_at"))
    .outerjoin(oauth_grants, (_G.tenant_id == _T.tenant_id) & (_G.id == _T.grant_id))
    .where(_T.tenant_id == bindparam("tenant"))
    .where((_T.id == bindparam("token")) | (_T.token_hash == bindparam("hash")))
)
_USE_CODE = Statement(
    update(oauth_grants)
    .where(_G.tenant_id == bindparam("tenant"), _G.id == bindparam("key"))
    .values(code_used_at=bindparam("at"))
)
_REPLACE = Statement(
    update(oauth_tokens)
    .where(_T.tenant_id == bindparam("tenant"), _T.id == bindparam("key"))
    .values(replaced_at=bindparam("at"))
)
_REVOKE_TOKEN = Statement(
    update(oauth_tokens)
    .where(_T.tenant_id == bindparam("tenant"), _T.id == bindparam("key"), _T.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)
_REVOKE_GRANT = Statement(
    update(oauth_grants)
    .where(_G.tenant_id == bindparam("tenant"), _G.id == bindparam("key"), _G.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)
_CONSENTED = Statement(
    select(_G.id)
    .where(_G.tenant_id == bindparam("tenant"), _G.user_id == bindparam("user"), _G.client_id == bindparam("client"))
    .where(_G.revoked_at.is_(None), _G.created_at > bindparam("since"), _G.scopes.contains(bindparam("asked")))
    .limit(1)
)
_FORGET_TOKENS = Statement(
    delete(oauth_tokens).where(_T.tenant_id == bindparam("tenant"), _T.expires_at <= bindparam("before"))
)
_FORGET_GRANTS = Statement(
    delete(oauth_grants)
    .where(_G.tenant_id == bindparam("tenant"), _G.created_at <= bindparam("before"))
    .where(~exists().where(_T.tenant_id == _G.tenant_id, _T.grant_id == _G.id))
)


async def find_client(uow: "UnitOfWork", client: UUID) -> "Record | None":
    """A live application of any tenant: who it is has to be known before its tenant is."""
    return await uow.first(_FIND_CLIENT, client=client)


async def by_token(uow: "UnitOfWork", tenant: UUID, token: UUID) -> "Record | None":
    """Look up whom a live access token is for and enter the tenant, in one round trip."""
    return await uow.first(_BY_TOKEN, found_tenant=tenant, token=token)


async def client_for_update(uow: "UnitOfWork", client: UUID) -> "Record | None":
    """An application of the entered tenant, archived ones too; it is locked."""
    return await uow.first(_CLIENT, tenant=uow.tenant, client=client)


async def live_scopes(uow: "UnitOfWork", client: UUID) -> frozenset[str] | None:
    """What an application of the entered tenant may ask for; None where it was retired."""
    row = await uow.first(_LIVE_SCOPES, tenant=uow.tenant, client=client, now=uow.clock.now())
    return None if row is None else frozenset(row["scopes"])


async def update_client(uow: "UnitOfWork", row: "Record", **changes: Any) -> "Record | None":
    """Write what changes of an application."""
    kept = {name: row[name] for name in (*_CHANGED, "archived_at")}
    return await uow.first(_UPDATE_CLIENT, tenant=uow.tenant, client=row["id"], **{**kept, **changes})


async def code_for_update(uow: "UnitOfWork", code_hash: bytes) -> "Record | None":
    """The grant of a code, used or not, with its user."""
    return await uow.first(_CODE, tenant=uow.tenant, hash=code_hash)


async def refresh_for_update(uow: "UnitOfWork", token_hash: bytes) -> "Record | None":
    """A refresh token, replaced or not, with its user and how its grant stands."""
    return await uow.first(_REFRESH, tenant=uow.tenant, hash=token_hash)


async def token(uow: "UnitOfWork", token_id: UUID | None, token_hash: bytes | None) -> "Record | None":
    """An access token by its id or a refresh token by its hash, ended ones too."""
    return await uow.first(_TOKEN, tenant=uow.tenant, token=token_id, hash=token_hash)


async def use_code(uow: "UnitOfWork", grant: UUID, at: datetime) -> None:
    """Note that a code was exchanged."""
    await uow.execute(_USE_CODE, tenant=uow.tenant, key=grant, at=at)


async def replace_token(uow: "UnitOfWork", token_id: UUID, at: datetime) -> None:
    """Note that a refresh token was exchanged for its successor."""
    await uow.execute(_REPLACE, tenant=uow.tenant, key=token_id, at=at)


async def revoke_token(uow: "UnitOfWork", token_id: UUID, at: datetime) -> bool:
    """End a token; False where it had ended."""
    return bool(await uow.execute(_REVOKE_TOKEN, tenant=uow.tenant, key=token_id, at=at))


async def revoke_grant(uow: "UnitOfWork", grant: UUID, at: datetime) -> bool:
    """End a grant and with it all its tokens; False where it had ended."""
    return bool(await uow.execute(_REVOKE_GRANT, tenant=uow.tenant, key=grant, at=at))


async def has_consented(uow: "UnitOfWork", user: UUID, client: UUID, scopes: list[str], since: datetime) -> bool:
    """Whether a person has let an application have these scopes and not taken it back."""
    found = await uow.value(_CONSENTED, tenant=uow.tenant, user=user, client=client, asked=scopes, since=since)
    return found is not None


async def forget_ended(uow: "UnitOfWork", before: datetime) -> int:
    """Delete tokens that ran out before, and grants of that age that no token is left of; returns how many."""
    tokens = await uow.execute(_FORGET_TOKENS, tenant=uow.tenant, before=before)
    return tokens + await uow.execute(_FORGET_GRANTS, tenant=uow.tenant, before=before)
