"""All SQL about keys, users and sessions."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.identity.models import api_keys, sessions, users

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_BY_KEY = Statement.text("SELECT * FROM authenticate_key($1, $2)", "key_id", "secret_hash")
_BY_SESSION = Statement.text("SELECT * FROM authenticate_session($1)", "token_hash")
_BY_EMAIL = Statement.text("SELECT * FROM find_login($1)", "email")
_CALLER = """
SELECT t.id AS tenant_id, t.livemode, t.organisation_id, t.policy_version,
  t.release_allowance IS NOT NULL AS releases_limited, c.id AS subject_id, c.name AS subject_name, c.roles, c.customer,
  c.scope
FROM {table} c JOIN tenants t ON t.id = c.tenant_id WHERE c.tenant_id = $1 AND c.id = $2 AND {active}
"""
_PRESENT = {
    "api_key": Statement.text(
        _CALLER.format(table="api_keys", active="c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $3)"),
        *("tenant", "subject", "now"),
    ),
    "user": Statement.text(
        _CALLER.format(table="users", active="(c.disabled_at IS NULL OR c.disabled_at > $3)"),
        *("tenant", "subject", "now"),
    ),
}
INSERT_KEY = insert_row(api_keys)
INSERT_USER = insert_row(users)
INSERT_SESSION = insert_row(sessions)
_END_SESSION = Statement(
    update(sessions)
    .where(sessions.c.tenant_id == bindparam("tenant"), sessions.c.id == bindparam("session"))
    .values(expires_at=bindparam("at"))
)
_KEY = Statement(select(api_keys).where(api_keys.c.tenant_id == bindparam("tenant"), api_keys.c.id == bindparam("key")))
_MEMBER = Statement.text(
    "SELECT id, name, email, roles, password_hash FROM users "
    "WHERE tenant_id = $1 AND (id = $2 OR email = $3) AND disabled_at IS NULL",
    "tenant_id",
    "user_id",
    "email",
)
_FORGET_SESSIONS = Statement(
    delete(sessions).where(sessions.c.tenant_id == bindparam("tenant"), sessions.c.expires_at <= bindparam("now"))
)
_REVOKE_KEY = Statement(
    update(api_keys)
    .where(api_keys.c.tenant_id == bindparam("tenant"), api_keys.c.id == bindparam("key"))
    .where(api_keys.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
    .returning(*api_keys.c)
)


async def by_key(uow: "UnitOfWork", key_id: str, secret_hash: bytes) -> "Record | None":
    """Look up a live key and enter its tenant, in one round trip."""
    return await uow.first(_BY_KEY, key_id=key_id, secret_hash=secret_hash)


async def by_session(uow: "UnitOfWork", token_hash: bytes) -> "Record | None":
    """Look up a running session and enter its tenant, in one round trip."""
    return await uow.first(_BY_SESSION, token_hash=token_hash)


async def present(uow: "UnitOfWork", kind: str, subject_id: UUID) -> "Record | None":
    """A key or user of the entered tenant as it is now; None once it is revoked, run out or disabled."""
    statement = _PRESENT.get(kind)
    if statement is None:
        return None
    return await uow.first(statement, tenant=uow.tenant, subject=subject_id, now=uow.clock.now())


async def by_email(uow: "UnitOfWork", email: str) -> "list[Record]":
    """The users of that address in every tenant, for signing in."""
    return await uow.all(_BY_EMAIL, email=email)


async def end_session(uow: "UnitOfWork", session_id: UUID, at: datetime) -> None:
    """Let a session end now."""
    await uow.execute(_END_SESSION, tenant=uow.tenant, session=session_id, at=at)


async def key(uow: "UnitOfWork", key_id: UUID) -> "Record | None":
    """A key of the entered tenant, revoked ones too."""
    return await uow.first(_KEY, tenant=uow.tenant, key=key_id)


async def member(uow: "UnitOfWork", *, user_id: UUID | None, email: str | None) -> "Record | None":
    """A member of the entered tenant who may sign in, by id or address."""
    return await uow.first(_MEMBER, tenant_id=uow.tenant, user_id=user_id, email=email)


async def forget_ended_sessions(uow: "UnitOfWork") -> int:
    """Delete sessions that have ended or run out; returns how many."""
    return await uow.execute(_FORGET_SESSIONS, tenant=uow.tenant, now=uow.clock.now())


async def revoke_key(uow: "UnitOfWork", key_id: UUID, at: datetime) -> "Record | None":
    """End a key; None if it is not there or already ended."""
    return await uow.first(_REVOKE_KEY, tenant=uow.tenant, key=key_id, at=at)
