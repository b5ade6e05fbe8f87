"""The ledger: balanced at the commit, never changed, each fact posted once, both parties of a contract agreeing."""

from typing import TYPE_CHECKING

import asyncpg
import pytest
from fixtures.app import World
from fixtures.billing import Book
from fixtures.database import FreshDatabase
from fixtures.market import Market, get
from hypothesis import given
from hypothesis import strategies as st

from woaas_billing import ledger_repository
from woaas_billing.ledger import Account, Entry, PostingDiffers, Unbalanced, post
from woaas_billing.settlements import SettledContract, entries_of, read_settled
from woaas_billing.verify import verify
from woaas_core.ids import uuid7
from woaas_core.money import Currency, Money

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

pytestmark = pytest.mark.anyio
CNY, EUR = Currency("CNY"), Currency("EUR")
TABLES = ("ledger_transactions", "ledger_entries", "ledger_accounts")


def entries(minor: int, currency: Currency = CNY) -> list[Entry]:
    """A sale."""
    return [
        Entry(Account.RECEIVABLE, Money(minor, currency)),
        Entry(Account.REVENUE, Money(-minor, currency)),
    ]


async def write_past_the_service(uow: "UnitOfWork", *amounts: int) -> None:
    """Entries as a defect would write them."""
    transaction = uuid7()
    await ledger_repository.insert_transaction(uow, transaction, f"defect:{transaction}")
    await ledger_repository.insert_entries(
        uow,
        transaction,
        [uuid7() for _ in amounts],
        ["receivable" if a > 0 else "revenue" for a in amounts],
        ["CNY" for _ in amounts],
        list(amounts),
    )


class TestBalance:
    async def test_what_does_not_balance_is_refused_before_it_is_written(self, book: Book) -> None:
        debit, credit = entries(100)
        for wrong in ([], [debit], [debit, entries(100, EUR)[1]], [debit, credit, credit]):
            async with book.world.db.unit_of_work() as uow:
                await book.enter(uow)
                with pytest.raises(Unbalanced):
                    await post(uow, "sale:1", wrong)
        assert await book.balances() == {}

    async def test_the_database_refuses_it_at_the_commit(self, book: Book) -> None:
        with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
            async with book.world.db.unit_of_work() as uow:
                await book.enter(uow)
                await write_past_the_service(uow, 100, -99)
        assert await book.balances() == {}

    async def test_also_in_a_transaction_that_went_on_to_another_tenant(self, world: World, book: Book) -> None:
        other = Book(world, await world.tenant("Other"))
        with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
            async with world.db.unit_of_work() as uow:
                await book.enter(uow)
                await write_past_the_service(uow, 100)
                await other.enter(uow)
        assert await book.balances() == {}


class TestOnceAndForEver:
    async def test_a_reference_is_posted_once(self, book: Book) -> None:
        async with book.world.db.unit_of_work() as uow:
            await book.enter(uow)
            assert await post(uow, "sale:1", entries(100))
            assert not await post(uow, "sale:1", entries(100))
            for other in (entries(101), entries(100, EUR)):
                with pytest.raises(PostingDiffers):
                    await post(uow, "sale:1", other)
        assert await book.balances() == {"receivable": 100, "revenue": -100}

    @pytest.mark.parametrize("table", TABLES)
    async def test_rows_are_neither_changed_nor_deleted(self, book: Book, database: FreshDatabase, table: str) -> None:
        async with book.world.db.unit_of_work() as uow:
            await book.enter(uow)
            await post(uow, "sale:1", entries(100))
        statements = (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE")
        for role in ("woaas_app", "postgres"):
            connection = await asyncpg.connect(database.dsn, server_settings={"role": role})
            try:
                for statement in statements:
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await connection.execute(statement)
            finally:
                await connection.close()
        assert await book.balances() == {"receivable": 100, "revenue": -100}


class TestSettlement:
    @given(st.integers(0, 10**12), st.integers(0, 10**11), st.sampled_from(["buyer", "partner"]))
    def test_any_split_balances_and_over_both_books_the_clearing_is_nothing(
        self, net: int, fee: int, role: str
    ) -> None:
        facts = SettledContract("ctr_1", role, net + fee, fee, net, "CNY")
        assert sum(e.amount.amount_minor for e in entries_of(facts)) == 0
        both = [
            e
            for side in ("buyer", "partner")
            for e in entries_of(SettledContract("ctr_1", side, net + fee, fee, net, "CNY"))
        ]
        by_account = {a: sum(e.amount.amount_minor for e in both if e.account == a) for a in Account}
        assert by_account[Account.SETTLEMENT_CLEARING] == 0
        assert by_account[Account.RECEIVABLE] == net + fee
        assert by_account[Account.FACTORY_PAYABLE] == -net
        assert by_account[Account.PLATFORM_FEE_REVENUE] == -fee

    @pytest.mark.parametrize(
        "wrong", [{"gross_minor": 11}, {"net_minor": 12, "fee_minor": -2}, {"role": "platform"}, {"fee_minor": "1"}]
    )
    def test_facts_that_make_no_sense_are_refused(self, wrong: dict[str, object]) -> None:
        facts = {"contract_id": "ctr_1", "role": "buyer", "gross_minor": 10, "fee_minor": 1, "net_minor": 9}
        with pytest.raises(ValueError, match=r".+"):
            read_settled({**facts, "currency": "CNY", **wrong})

    async def test_a_settled_contract_stands_in_both_books(self, market: Market) -> None:
        contract = await market.deal()
        await market.run(contract, "accept", "package", "start", "report:100", "ship", "receive", "inspect:pass")
        await market.run(contract, "accept-delivery", "settle")
        await market.settle()
        buyer, partner = (Book(market.world, t) for t in (market.buyer_tenant, market.partner_tenant))
        for client, role in ((market.buyer, "buyer"), (market.partner, "partner")):
            (row,) = (await get(client, "/v1/billing/settlements"))["data"]
            assert (row["contract_id"], row["role"]) == (contract["id"], role)
            amounts = {n: row[n]["amount"] for n in ("gross", "fee", "net")}
            assert amounts == {"gross": "987.10", "fee": "49.36", "net": "937.74"}
        assert await buyer.balances() == {"receivable": 98710, "settlement_clearing": -98710}
        assert await partner.balances() == {
            "settlement_clearing": 98710,
            "factory_payable": -93774,
            "platform_fee_revenue": -4936,
        }
        (posted,) = (await get(market.partner, "/v1/audit/entries?type=settlement.posted"))["data"]
        assert posted["changes"]["gross"] == "987.10"
        assert await verify(market.world.db) == {}
