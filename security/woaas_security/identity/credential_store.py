"""All SQL about second factors, one-time tokens and the mail that carries them."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, delete, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_core.ids import uuid7
from woaas_security.identity.models import mails, recovery_codes, second_factors, user_tokens, users

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_F, _R, _T, _M = second_factors.c, recovery_codes.c, user_tokens.c, mails.c
_TENANT: BindParameter[UUID] = bindparam("tenant")
_USER: BindParameter[UUID] = bindparam("user")

INSERT_TOKEN = insert_row(user_tokens)
INSERT_MAIL = insert_row(mails)
INSERT_RECOVERY_CODE = insert_row(recovery_codes)
_INSERT_FACTOR = insert_row(second_factors)
_BY_TOKEN = Statement.text("SELECT * FROM enter_by_token($1)", "token_hash")
_QUEUE_RESET = Statement.text("SELECT queue_reset($1, $2)", "email", "now")
_USE_TOKEN = Statement(
    update(user_tokens)
    .where(_T.tenant_id == _TENANT, _T.id == bindparam("token"), _T.used_at.is_(None))
    .values(used_at=bindparam("now"))
)
_REDEEM_TOKEN = Statement(
    update(user_tokens)
    .where(_T.tenant_id == _TENANT, _T.user_id == _USER, _T.purpose == bindparam("of"))
    .where(_T.token_hash == bindparam("hash"), _T.used_at.is_(None), _T.expires_at > bindparam("now"))
    .values(used_at=bindparam("now"))
)
_END_TOKENS = Statement(
    update(user_tokens)
    .where(_T.tenant_id == _TENANT, _T.user_id == _USER, _T.purpose == bindparam("of"), _T.used_at.is_(None))
    .values(used_at=bindparam("now"))
)
_FORGET_TOKENS = Statement(delete(user_tokens).where(_T.tenant_id == _TENANT, _T.expires_at <= bindparam("now")))
_FACTOR = Statement(select(second_factors).where(_F.tenant_id == _TENANT, _F.user_id == _USER))
_CONFIRM = Statement(
    update(second_factors)
    .where(_F.tenant_id == _TENANT, _F.user_id == _USER, _F.confirmed_at.is_(None))
    .values(confirmed_at=bindparam("now"))
)
_TAKE_STEP = Statement(
    update(second_factors)
    .where(_F.tenant_id == _TENANT, _F.user_id == _USER, _F.last_step < bindparam("step"))
    .values(last_step=bindparam("step"))
)
_DROP_FACTOR = Statement(delete(second_factors).where(_F.tenant_id == _TENANT, _F.user_id == _USER))
_DROP_RECOVERY = Statement(delete(recovery_codes).where(_R.tenant_id == _TENANT, _R.user_id == _USER))
_USE_RECOVERY = Statement(
    update(recovery_codes)
    .where(_R.tenant_id == _TENANT, _R.user_id == _USER, _R.code_hash == bindparam("hash"), _R.used_at.is_(None))
    .values(used_at=bindparam("now"))
)
_RECOVERY_LEFT = Statement.text(
    "SELECT count(*) FROM recovery_codes WHERE tenant_id = $1 AND user_id = $2 AND used_at IS NULL", "tenant", "user"
)
_DUE_MAILS = Statement(
    select(mails, users.c.email, users.c.name, users.c.language)
    .join(users, (users.c.tenant_id == _M.tenant_id) & (users.c.id == _M.user_id))
    .where(_M.tenant_id == _TENANT, _M.due_at <= bindparam("now"))
    .order_by(_M.due_at)
    .limit(20)
    .with_for_update(of=mails, skip_locked=True)
)
_POSTPONE = Statement(
    update(mails)
    .where(_M.tenant_id == _TENANT, _M.id == bindparam("mail"))
    .values(due_at=bindparam("until"), attempts=_M.attempts + 1)
)
_DROP_MAILS_TO = Statement(delete(mails).where(_M.tenant_id == _TENANT, _M.user_id == _USER))
_DROP_MAIL = Statement(delete(mails).where(_M.tenant_id == _TENANT, _M.id == bindparam("mail")))


async def insert_token(
    uow: "UnitOfWork", *, user_id: UUID, purpose: str, token_hash: bytes, expires_at: datetime
) -> None:
    """Keep a token's digest."""
    await uow.execute(
        INSERT_TOKEN,
        tenant_id=uow.tenant,
        id=uuid7(),
        user_id=user_id,
        purpose=purpose,
        token_hash=token_hash,
        created_at=uow.clock.now(),
        expires_at=expires_at,
        used_at=None,
    )


async def by_token(uow: "UnitOfWork", token_hash: bytes) -> "Record | None":
    """An unused token and its user, who must not be shut out; enters the tenant."""
    return await uow.first(_BY_TOKEN, token_hash=token_hash)


async def use_token(uow: "UnitOfWork", token_id: UUID) -> bool:
    """Take a token; False where another request was quicker."""
    return await uow.execute(_USE_TOKEN, tenant=uow.tenant, token=token_id, now=uow.clock.now()) == 1


async def redeem_token(uow: "UnitOfWork", user_id: UUID, purpose: str, token_hash: bytes) -> bool:
    """Take a user's open token by its digest; False where there is none."""
    values = {"user": user_id, "of": purpose, "hash": token_hash, "now": uow.clock.now()}
    return await uow.execute(_REDEEM_TOKEN, tenant=uow.tenant, **values) == 1


async def end_tokens(uow: "UnitOfWork", user_id: UUID, purpose: str) -> None:
    """End a user's open tokens of a kind."""
    await uow.execute(_END_TOKENS, tenant=uow.tenant, user=user_id, of=purpose, now=uow.clock.now())


async def forget_tokens(uow: "UnitOfWork") -> int:
    """Delete tokens that have run out."""
    return await uow.execute(_FORGET_TOKENS, tenant=uow.tenant, now=uow.clock.now())


async def factor(uow: "UnitOfWork", user_id: UUID) -> "Record | None":
    """A user's second factor, confirmed or not."""
    return await uow.first(_FACTOR, tenant=uow.tenant, user=user_id)


async def replace_factor(uow: "UnitOfWork", user_id: UUID, secret: bytes) -> None:
    """Begin an enrolment; an older one that was not confirmed is gone."""
    await drop_factor(uow, user_id)
    await uow.execute(
        _INSERT_FACTOR,
        tenant_id=uow.tenant,
        user_id=user_id,
        secret=secret,
        last_step=0,
        created_at=uow.clock.now(),
        confirmed_at=None,
    )


async def confirm_factor(uow: "UnitOfWork", user_id: UUID) -> None:
    """From now on signing in asks for it."""
    await uow.execute(_CONFIRM, tenant=uow.tenant, user=user_id, now=uow.clock.now())


async def take_step(uow: "UnitOfWork", user_id: UUID, step: int) -> bool:
    """Note that a time step's code was used; False where it, or a later one, has been."""
    return await uow.execute(_TAKE_STEP, tenant=uow.tenant, user=user_id, step=step) == 1


async def drop_factor(uow: "UnitOfWork", user_id: UUID) -> None:
    """Remove the second factor with its recovery codes."""
    for statement in (_DROP_FACTOR, _DROP_RECOVERY):
        await uow.execute(statement, tenant=uow.tenant, user=user_id)


async def replace_recovery_codes(uow: "UnitOfWork", user_id: UUID, hashes: list[bytes]) -> None:
    """Keep the digests of new recovery codes; older ones are gone."""
    await uow.execute(_DROP_RECOVERY, tenant=uow.tenant, user=user_id)
    rows = [{"tenant_id": uow.tenant, "user_id": user_id, "code_hash": h, "used_at": None} for h in hashes]
    await uow.execute_many(INSERT_RECOVERY_CODE, rows)


async def use_recovery_code(uow: "UnitOfWork", user_id: UUID, code_hash: bytes) -> bool:
    """Take a recovery code; False where there is no such unused one."""
    used = await uow.execute(_USE_RECOVERY, tenant=uow.tenant, user=user_id, hash=code_hash, now=uow.clock.now())
    return used == 1


async def recovery_codes_left(uow: "UnitOfWork", user_id: UUID) -> int:
    """How many recovery codes are unused."""
    return int(await uow.value(_RECOVERY_LEFT, tenant=uow.tenant, user=user_id))


async def queue_reset(uow: "UnitOfWork", email: str) -> None:
    """Queue a reset mail for each active person of an address; for none of them the same statement runs."""
    await uow.value(_QUEUE_RESET, email=email, now=uow.clock.now())


async def queue_mail(uow: "UnitOfWork", user_id: UUID, purpose: str) -> None:
    """Have a person of the entered tenant sent a mail once this transaction has committed."""
    now = uow.clock.now()
    await uow.execute(
        INSERT_MAIL,
        tenant_id=uow.tenant,
        id=uuid7(),
        user_id=user_id,
        purpose=purpose,
        attempts=0,
        created_at=now,
        due_at=now,
    )


async def due_mails(uow: "UnitOfWork") -> "list[Record]":
    """Mail to send now, with its reader; held until the transaction ends."""
    return await uow.all(_DUE_MAILS, tenant=uow.tenant, now=uow.clock.now())


async def postpone_mail(uow: "UnitOfWork", mail_id: UUID, until: datetime) -> None:
    """Count an attempt; without word of its success the next is made then."""
    await uow.execute(_POSTPONE, tenant=uow.tenant, mail=mail_id, until=until)


async def drop_mail(uow: "UnitOfWork", mail_id: UUID) -> int:
    """Forget a mail, sent or given up."""
    return await uow.execute(_DROP_MAIL, tenant=uow.tenant, mail=mail_id)


async def drop_mails_to(uow: "UnitOfWork", user_id: UUID) -> None:
    """Send a person nothing of what is queued."""
    await uow.execute(_DROP_MAILS_TO, tenant=uow.tenant, user=user_id)
