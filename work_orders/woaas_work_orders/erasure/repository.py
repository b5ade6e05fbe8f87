"""All SQL about erasures and legal holds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_work_orders.erasure.models import erasures, legal_holds

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_H = legal_holds.c
_INSERT = insert_row(erasures)
_INSERT_HOLD = insert_row(legal_holds)
_HOLD = Statement(select(legal_holds).where(_H.tenant_id == bindparam("tenant_id"), _H.id == bindparam("key")))
_RELEASE = Statement(
    update(legal_holds)
    .where(_H.tenant_id == bindparam("tenant_id"), _H.id == bindparam("key"), _H.released_at.is_(None))
    .values(released_at=bindparam("at"))
    .returning(*_H)
)
_HELD = Statement.text(
    "SELECT EXISTS (SELECT FROM legal_holds WHERE tenant_id = $1 AND subject IN ($2, '*') AND released_at IS NULL)",
    *("tenant_id", "subject"),
)
# What of the log and of signatures only the definer may touch: openings, printed names, versions kept.
_ERASE_VALUES = Statement.text("SELECT erase_values($1, $2, $3)", *("subject", "person", "words"))
# Answers are JSON, so a word is looked for as JSON writes it.
_FORGET_ANSWERS = Statement.text(
    """
    DELETE FROM idempotency WHERE tenant_id = $1
      AND EXISTS (SELECT FROM unnest($2::text[]) w WHERE position(convert_to(w, 'UTF8') IN body) > 0)
    """,
    *("tenant_id", "words"),
)
# A bundle written before may hold the openings.
_FORGET_BUNDLES = (
    Statement.text("DELETE FROM audit_export_parts WHERE tenant_id = $1", "tenant_id"),
    Statement.text(
        "UPDATE audit_exports SET expires_at = $2 WHERE tenant_id = $1 AND expires_at > $2", *("tenant_id", "now")
    ),
)
_ERASE_USER = Statement.text(
    """
    UPDATE users SET email = $3, name = 'erased', password_hash = NULL, state = 'removed', version = version + 1
    WHERE tenant_id = $1 AND id = $2
    """,
    *("tenant_id", "user_id", "email"),
)


async def insert(uow: "UnitOfWork", values: dict[str, Any]) -> None:
    """Note that somebody was erased."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)


async def insert_hold(uow: "UnitOfWork", values: dict[str, Any]) -> None:
    """Place a hold."""
    await uow.execute(_INSERT_HOLD, tenant_id=uow.tenant, **values)


async def hold(uow: "UnitOfWork", hold_id: UUID) -> "Record | None":
    """A legal hold, over or not."""
    return await uow.first(_HOLD, tenant_id=uow.tenant, key=hold_id)


async def release(uow: "UnitOfWork", hold_id: UUID) -> "Record | None":
    """End a hold; None if it is over already."""
    return await uow.first(_RELEASE, tenant_id=uow.tenant, key=hold_id, at=uow.clock.now())


async def is_held(uow: "UnitOfWork", subject: str) -> bool:
    """Whether a hold forbids to erase or remove what is about a subject (``*``: anything at all)."""
    return bool(await uow.value(_HELD, tenant_id=uow.tenant, subject=subject))


async def erase_values(uow: "UnitOfWork", subject: str, person: UUID, words: Sequence[str]) -> int:
    """Destroy the openings of a person's values in the log; returns how many. Also forgets stored copies of them.

    Reads every entry of the tenant that has openings: erasures are rare.
    """
    written = [msgspec.json.encode(word)[1:-1].decode() for word in words]
    await uow.execute(_FORGET_ANSWERS, tenant_id=uow.tenant, words=written)
    bundles, exports = _FORGET_BUNDLES
    await uow.execute(bundles, tenant_id=uow.tenant)
    await uow.execute(exports, tenant_id=uow.tenant, now=uow.clock.now())
    return int(await uow.value(_ERASE_VALUES, subject=subject, person=person, words=list(words)))


async def erase_user(uow: "UnitOfWork", user_id: UUID, email: str) -> None:
    """Leave of a member only that there was one."""
    await uow.execute(_ERASE_USER, tenant_id=uow.tenant, user_id=user_id, email=email)
