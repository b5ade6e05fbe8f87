"""All SQL about deletions of tenants."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.tenant_deletion.models import tenant_deletions

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_D = tenant_deletions.c
_OPEN = select(tenant_deletions).where(_D.tenant_id == bindparam("tenant"), _D.state != "cancelled")
_CURRENT = Statement(_OPEN)
_LOCKED = Statement(_OPEN.with_for_update())
_BY_ID = Statement(select(tenant_deletions).where(_D.tenant_id == bindparam("tenant"), _D.id == bindparam("deletion")))
_INSERT = insert_row(tenant_deletions)
_HELD = Statement.text("SELECT EXISTS (SELECT FROM legal_holds WHERE tenant_id = $1 AND released_at IS NULL)", "tenant")
_MEMBERS = Statement.text("SELECT id FROM users WHERE tenant_id = $1 AND state = 'active' ORDER BY id", "tenant")
_SEALED = Statement.text(
    """
    SELECT EXISTS (SELECT FROM log l JOIN log_head h ON h.tenant_id = l.tenant_id
      WHERE l.tenant_id = $1 AND l.event_id = $2 AND l.index < h.signed_size)
    """,
    *("tenant", "event"),
)
_DESTROY = Statement.text("SELECT destroy_rows($1, $2)", *("table_name", "at_most"))
_CLOSE_SANDBOXES = Statement.text("SELECT close_sandboxes($1)", "now")
_WITHDRAW = Statement.text("SELECT withdraw_from_market()")
_RECIPIENT = Statement.text(
    'SELECT email AS "to", name, language FROM users WHERE tenant_id = $1 AND id = $2', *("tenant", "user")
)
_FORGET_NAME = Statement.text("UPDATE tenants SET name = 'deleted' WHERE id = $1", "tenant")
_END_READING = Statement.text(
    """
    UPDATE reader_cursor SET next_index = h.size, attempts = 0, retry_at = NULL, error = NULL
    FROM log_head h WHERE h.tenant_id = $1 AND reader_cursor.tenant_id = $1
    """,
    "tenant",
)


async def current(uow: "UnitOfWork", *, lock: bool = False) -> "Record | None":
    """The deletion of the entered tenant that is asked for or under way."""
    return await uow.first(_LOCKED if lock else _CURRENT, tenant=uow.tenant)


async def by_id(uow: "UnitOfWork", deletion_id: UUID) -> "Record | None":
    """A deletion, taken back or not."""
    return await uow.first(_BY_ID, tenant=uow.tenant, deletion=deletion_id)


async def insert(uow: "UnitOfWork", values: dict[str, Any]) -> None:
    """Note that the tenant is to be deleted."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)


async def change(uow: "UnitOfWork", deletion_id: UUID, **values: Any) -> None:
    """Note how far it is."""
    statement = Statement(
        update(tenant_deletions)
        .where(_D.tenant_id == bindparam("tenant_key"), _D.id == bindparam("id_key"))
        .values({name: bindparam(name, type_=_D[name].type) for name in sorted(values)})
    )
    await uow.execute(statement, tenant_key=uow.tenant, id_key=deletion_id, **values)


async def is_held(uow: "UnitOfWork") -> bool:
    """Whether there is a legal hold on anything of the tenant."""
    return bool(await uow.value(_HELD, tenant=uow.tenant))


async def members(uow: "UnitOfWork") -> list[UUID]:
    """Everybody who has access."""
    return [row["id"] for row in await uow.all(_MEMBERS, tenant=uow.tenant)]


async def is_sealed(uow: "UnitOfWork", event_id: UUID) -> bool:
    """Whether a signed checkpoint covers an event."""
    return bool(await uow.value(_SEALED, tenant=uow.tenant, event=event_id))


async def destroy(uow: "UnitOfWork", table: str, at_most: int) -> int:
    """Delete rows of a table; returns how many. Refused by the database unless the tenant is being destroyed."""
    return int(await uow.value(_DESTROY, table_name=table, at_most=at_most))


async def close_sandboxes(uow: "UnitOfWork") -> None:
    """Have the sandboxes of the tenant's organisation deleted too, unless another live tenant has them."""
    await uow.all(_CLOSE_SANDBOXES, now=uow.clock.now())


async def withdraw_from_market(uow: "UnitOfWork") -> None:
    """Take back what the tenant shows to everybody."""
    await uow.all(_WITHDRAW)


async def recipient(uow: "UnitOfWork", user_id: UUID | None) -> dict[str, str] | None:
    """Where somebody reads his mail; None where he is no longer there."""
    row = None if user_id is None else await uow.first(_RECIPIENT, tenant=uow.tenant, user=user_id)
    return None if row is None else dict(row)


async def count(uow: "UnitOfWork", table: str) -> int:
    """How many rows the tenant has in a table of ours; those of others are not visible to it."""
    return int(await uow.value(Statement.text(f'SELECT count(*) FROM "{table}"')))  # noqa: S608 - a name of ours


async def leave_ids(uow: "UnitOfWork") -> None:
    """Take from what is kept what it says in words."""
    await uow.execute(_FORGET_NAME, tenant=uow.tenant)
    await uow.execute(_END_READING, tenant=uow.tenant)
