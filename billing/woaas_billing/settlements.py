"""What a settled contract means in each party's book: the buyer owes the gross, the partner gets the net."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from woaas_billing import repository
from woaas_billing.events import SETTLEMENT_POSTED
from woaas_billing.ledger import Account, Entry, PostingDiffers, post
from woaas_core.ids import encode_id, uuid7
from woaas_core.money import Currency, Money

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


class SettledContract(msgspec.Struct, frozen=True):
    """The facts of ``contract.settled``, as recorded in each party's tenant."""

    contract_id: str
    role: str
    gross_minor: int
    fee_minor: int
    net_minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.role not in ("buyer", "partner"):
            msg = f"a party to a contract is buyer or partner, not {self.role!r}"
            raise ValueError(msg)
        if self.gross_minor != self.fee_minor + self.net_minor or min(self.fee_minor, self.net_minor) < 0:
            msg = "gross is fee plus net, to the minor unit"
            raise ValueError(msg)


def read_settled(data: Mapping[str, object]) -> SettledContract:
    """The facts in an event's data; further members are left to others. A split that does not add up is refused."""
    return msgspec.convert(data, SettledContract)


def entries_of(settled: SettledContract) -> list[Entry]:
    """The balanced entries of a party; over both books the clearing account sums to zero."""
    currency = Currency(settled.currency)
    gross, fee, net = (Money(m, currency) for m in (settled.gross_minor, settled.fee_minor, settled.net_minor))
    if settled.role == "buyer":
        return [Entry(Account.RECEIVABLE, gross), Entry(Account.SETTLEMENT_CLEARING, -gross)]
    return [
        Entry(Account.SETTLEMENT_CLEARING, gross),
        Entry(Account.FACTORY_PAYABLE, -net),
        Entry(Account.PLATFORM_FEE_REVENUE, -fee),
    ]


async def settle(uow: "UnitOfWork", settled: SettledContract) -> bool:
    """Post a contract's settlement in the entered tenant's book; False when it is there already.

    Raises:
        PostingDiffers: the contract was settled before with other amounts.
    """
    known = await repository.settlement(uow, settled.contract_id)
    if known is not None:
        if SettledContract(**{n: known[n] for n in SettledContract.__struct_fields__}) != settled:
            raise PostingDiffers
        return False
    if settled.gross_minor:
        await post(uow, f"settlement:{settled.contract_id}", entries_of(settled))
    settlement_id = uuid7()
    facts = msgspec.structs.asdict(settled)
    await repository.insert_settlement(uow, {"id": settlement_id, **facts, "settled_at": uow.clock.now()})
    uow.record(
        SETTLEMENT_POSTED,
        subject=encode_id("stl", settlement_id),
        data={"contract_id": settled.contract_id, "role": settled.role},
        changes={
            **{n: Money(facts[f"{n}_minor"], Currency(settled.currency)).text() for n in ("gross", "fee", "net")},
            "currency": settled.currency,
        },
    )
    return True
