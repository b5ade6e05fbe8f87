"""Double entry: transactions that are posted once, balance to zero and are never changed.

Each tenant has a book of its own, kept by the platform: what the tenant owes is its ``receivable``. A correction is
another transaction.
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from woaas_billing import ledger_repository
from woaas_core.errors import Conflict
from woaas_core.ids import uuid7
from woaas_core.money import Money

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


class Account(StrEnum):
    """What an entry is booked on."""

    RECEIVABLE = "receivable"
    REVENUE = "revenue"
    # What the platform passes on between the two parties of a contract: over both their books it sums to zero.
    SETTLEMENT_CLEARING = "settlement_clearing"
    FACTORY_PAYABLE = "factory_payable"
    PLATFORM_FEE_REVENUE = "platform_fee_revenue"
    CASH_CLEARING = "cash_clearing"


class Entry(NamedTuple):
    """An amount on an account: positive is a debit, negative a credit."""

    account: Account
    amount: Money


class Unbalanced(Conflict):
    """Debits and credits of a transaction differ."""

    code = "unbalanced"
    title = "The entries do not balance"
    hint = "Debits and credits of each currency must be equal."


class PostingDiffers(Conflict):
    """The reference was posted before with other entries."""

    code = "posting_differs"
    title = "The reference was posted with other entries"
    hint = "A reference is posted once; correct by a transaction of its own."


async def post(uow: "UnitOfWork", ref: str, entries: Sequence[Entry]) -> bool:
    """Post a transaction under a reference that names the fact; False when it is there already, entry for entry.

    Entries of zero are left out; the database checks the balance again at the commit.

    Raises:
        Unbalanced: the entries of a currency do not sum to zero, or there are none.
        PostingDiffers: the reference holds other entries.
    """
    booked = [e for e in entries if e.amount.amount_minor]
    _check_balance(booked)
    transaction_id = uuid7()
    if not await ledger_repository.insert_transaction(uow, transaction_id, ref):
        found = await ledger_repository.entries_of(uow, ref)
        known = Counter((r["code"], r["currency"], r["amount_minor"]) for r in found)
        if known != Counter((str(e.account), e.amount.currency.code, e.amount.amount_minor) for e in booked):
            msg = f"{ref} is posted already, with other entries."
            raise PostingDiffers(msg)
        return False
    await ledger_repository.insert_entries(
        uow,
        transaction_id,
        [uuid7() for _ in booked],
        [str(e.account) for e in booked],
        [e.amount.currency.code for e in booked],
        [e.amount.amount_minor for e in booked],
    )
    return True


def _check_balance(entries: Sequence[Entry]) -> None:
    sums: Counter[str] = Counter()
    for entry in entries:
        sums[entry.amount.currency.code] += entry.amount.amount_minor
    if not entries or any(sums.values()):
        raise Unbalanced
