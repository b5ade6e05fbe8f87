"""What callers send about billing: the shapes both doors read."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, MoneyBody

PeriodKey = Annotated[str, msgspec.Meta(max_length=64, description="`open`, or the id of a period")]


class SpendLimit(Body, kw_only=True):
    """What a billing period may cost: the soft limit is told of, the hard one stops releases."""

    soft: MoneyBody | None | UnsetType = UNSET
    hard: MoneyBody | None | UnsetType = UNSET


class InvoicePeriod(Body, kw_only=True):
    """Which period an invoice is for."""

    period: PeriodKey = "open"
