"""What a contract's price splits into. Pure."""

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from woaas_core.money import Money

FEE_RATE = Decimal("0.05")


class Split(NamedTuple):
    """What the buyer pays, what the platform keeps, what the partner gets; gross = fee + net to the minor unit."""

    gross: Money
    fee: Money
    net: Money


def split(gross: Money) -> Split:
    """Five percent are the fee, rounded half up to the minor unit; the partner gets all the rest."""
    fee = Money.rounded(gross.decimal * FEE_RATE, gross.currency, rounding=ROUND_HALF_UP)
    return Split(gross, fee, gross - fee)
