"""All SQL about keys, users and sessions."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.identity.models import api_keys, sessions, users

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_BY_KEY = Statement.text("SELECT * FROM authenticate_key($1, $2)", "key_id", "secret_hash")
_BY_SESSION = Statement.text("SELECT * FROM authenticate_session($1)", "token_hash")
_BY_EMAIL = Statement.text("SELECT * FROM find_login($1)", "email")
INSERT_KEY = insert_row(api_keys)
INSERT_USER = insert_row(users)
INSERT_SESSION = insert_row(sessions)
_USER = Statement(select(users).where(users.c.tenant_id == bindparam("tenant"), users.c.id == bindparam("user")))
_SET_PASSWORD = Statement(
    update(users)
    .where(users.c.tenant_id == bindparam("tenant"), users.c.id == bindparam("user"))
    .values(password_hash=bindparam("hash"))
)
_SET_VERIFIED = Statement(
    update(users)
    .where(users.c.tenant_id == bindparam("tenant"), users.c.id == bindparam("user"))
    .where(users.c.email_verified_at.is_(None))
    .values(email_verified_at=bindparam("at"))
)
_SESSIONS_OF = Statement(
    select(*(c for c in sessions.c if c.name != "token_hash"))
    .where(sessions.c.tenant_id == bindparam("tenant"), sessions.c.user_id == bindparam("user"))
    .where(sessions.c.expires_at > bindparam("now"))
    .order_by(sessions.c.created_at.desc())
    .limit(200)
)
_END_ONE_SESSION = Statement(
    update(sessions)
    .where(sessions.c.tenant_id == bindparam("tenant"), sessions.c.user_id == bindparam("user"))
    .where(sessions.c.id == bindparam("session"), sessions.c.expires_at > bindparam("at"))
    .values(expires_at=bindparam("at"))
)
_END_SESSIONS = Statement(
    update(sessions)
    .where(sessions.c.tenant_id == bindparam("tenant"), sessions.c.user_id == bindparam("user"))
    .where(sessions.c.expires_at > bindparam("at"), sessions.c.id.is_distinct_from(bindparam("keep", type_=Uuid)))
    .values(expires_at=bindparam("at"))
)
_KEY = Statement(select(api_keys).where(api_keys.c.tenant_id == bindparam("tenant"), api_keys.c.id == bindparam("key")))
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


async def by_email(uow: "UnitOfWork", email: str) -> "list[Record]":
    """The users of that address in every tenant, for signing in."""
    return await uow.all(_BY_EMAIL, email=email)


async def user(uow: "UnitOfWork", user_id: UUID) -> "Record | None":
    """A user of the entered tenant."""
    return await uow.first(_USER, tenant=uow.tenant, user=user_id)


async def set_password(uow: "UnitOfWork", user_id: UUID, password_hash: str) -> None:
    """Keep the hash of a new password."""
    await uow.execute(_SET_PASSWORD, tenant=uow.tenant, user=user_id, hash=password_hash)


async def set_email_verified(uow: "UnitOfWork", user_id: UUID, at: datetime) -> bool:
    """Note when an address was proved; False where it had been."""
    return await uow.execute(_SET_VERIFIED, tenant=uow.tenant, user=user_id, at=at) == 1


async def sessions_of(uow: "UnitOfWork", user_id: UUID) -> "list[Record]":
    """The running sessions of a user, newest first."""
    return await uow.all(_SESSIONS_OF, tenant=uow.tenant, user=user_id, now=uow.clock.now())


async def end_session(uow: "UnitOfWork", user_id: UUID, session_id: UUID, at: datetime) -> bool:
    """Let a user's session end now; False where he has no such running one."""
    ended = await uow.execute(_END_ONE_SESSION, tenant=uow.tenant, user=user_id, session=session_id, at=at)
    return ended == 1


async def end_sessions(uow: "UnitOfWork", user_id: UUID, *, keep: UUID | None = None) -> int:
    """Let every session of a user end now, but one; returns how many did."""
    return await uow.execute(_END_SESSIONS, tenant=uow.tenant, user=user_id, at=uow.clock.now(), keep=keep)


async def key(uow: "UnitOfWork", key_id: UUID) -> "Record | None":
    """A key of the entered tenant, revoked ones too."""
    return await uow.first(_KEY, tenant=uow.tenant, key=key_id)


async def forget_ended_sessions(uow: "UnitOfWork") -> int:
    """Delete sessions that have ended or run out; returns how many."""
    return await uow.execute(_FORGET_SESSIONS, tenant=uow.tenant, now=uow.clock.now())


async def revoke_key(uow: "UnitOfWork", key_id: UUID, at: datetime) -> "Record | None":
    """End a key; None if it is not there or already ended."""
    return await uow.first(_REVOKE_KEY, tenant=uow.tenant, key=key_id, at=at)
