"""All SQL of the ledger."""

from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.db.statements import Statement

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_INSERT_TRANSACTION = Statement.text(
    "INSERT INTO ledger_transactions (tenant_id, id, ref, created_at) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (tenant_id, ref) DO NOTHING RETURNING id",
    "tenant_id",
    "id",
    "ref",
    "now",
)
# In the order of their codes, so that two transactions which open the same accounts wait and never deadlock.
_ENSURE_ACCOUNTS = Statement.text(
    """
    INSERT INTO ledger_accounts (tenant_id, id, code, currency)
    SELECT $1, u.id, u.code, u.currency FROM unnest($2::uuid[], $3::text[], $4::text[]) AS u (id, code, currency)
    ORDER BY u.code, u.currency
    ON CONFLICT (tenant_id, code, currency) DO NOTHING
    """,
    "tenant_id",
    "ids",
    "codes",
    "currencies",
)
_INSERT_ENTRIES = Statement.text(
    """
    INSERT INTO ledger_entries (tenant_id, id, transaction_id, account_id, currency, amount_minor)
    SELECT $1, u.id, $2, a.id, u.currency, u.amount_minor
    FROM unnest($3::uuid[], $4::text[], $5::text[], $6::bigint[]) AS u (id, code, currency, amount_minor)
    JOIN ledger_accounts a ON a.tenant_id = $1 AND a.code = u.code AND a.currency = u.currency
    """,
    "tenant_id",
    "transaction_id",
    "ids",
    "codes",
    "currencies",
    "amounts",
)
_ENTRIES = Statement.text(
    """
    SELECT t.id AS transaction_id, a.code, e.currency, e.amount_minor
    FROM ledger_transactions t
    JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
    JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
    WHERE t.tenant_id = $1 AND t.ref = $2
    """,
    "tenant_id",
    "ref",
)
_BALANCES = Statement.text(
    """
    SELECT a.code, e.currency, sum(e.amount_minor)::bigint AS balance_minor
    FROM ledger_entries e JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
    WHERE e.tenant_id = $1 GROUP BY a.code, e.currency ORDER BY a.code, e.currency
    """,
    "tenant_id",
)


async def insert_transaction(uow: "UnitOfWork", transaction_id: UUID, ref: str) -> bool:
    """Add a transaction; False when its reference is taken."""
    made = await uow.value(_INSERT_TRANSACTION, tenant_id=uow.tenant, id=transaction_id, ref=ref, now=uow.clock.now())
    return made is not None


async def insert_entries(
    uow: "UnitOfWork",
    transaction_id: UUID,
    ids: list[UUID],
    codes: list[str],
    currencies: list[str],
    amounts: list[int],
) -> None:
    """Add the entries of a transaction, opening accounts that are missing."""
    await uow.execute(_ENSURE_ACCOUNTS, tenant_id=uow.tenant, ids=ids, codes=codes, currencies=currencies)
    await uow.execute(
        _INSERT_ENTRIES,
        tenant_id=uow.tenant,
        transaction_id=transaction_id,
        ids=ids,
        codes=codes,
        currencies=currencies,
        amounts=amounts,
    )


async def entries_of(uow: "UnitOfWork", ref: str) -> "list[Record]":
    """The entries posted under a reference."""
    return await uow.all(_ENTRIES, tenant_id=uow.tenant, ref=ref)


async def balances(uow: "UnitOfWork") -> "list[Record]":
    """Each account's balance."""
    return await uow.all(_BALANCES, tenant_id=uow.tenant)
