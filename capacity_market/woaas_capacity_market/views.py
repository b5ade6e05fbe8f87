"""The market as the entered tenant sees it: views that hold exactly what their reader may be shown.

They run with the reader's own rights (``security_invoker``), so row-level security decides: a shared row appears to
either party as its own side of the deal, and what hangs on the buyer's request (operation, price limit) is null to
everybody else because the join finds no row. Lists filter and sort on these columns and can find nothing behind them.
"""

from typing import Any

from sqlalchemy import Boolean, Column, DateTime, Integer, Interval, MetaData, Numeric, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

# Apart from the tables' metadata: migrations create views by hand.
_views = MetaData()


def _view(name: str, **columns: type[TypeEngine[Any]] | TypeEngine[Any]) -> Table:
    return Table(
        name,
        _views,
        Column("tenant_id", Uuid, nullable=False),
        Column("id", Uuid, nullable=False),
        *(Column(column, kind) for column, kind in columns.items()),
    )


_INSTANT = DateTime(timezone=True)

own_listings = _view(
    "market_own_listings",
    process=Text,
    equipment_class=Text,
    materials=ARRAY(Text),
    envelope=JSONB,
    tolerance=Text,
    certificates=ARRAY(Text),
    windows=JSONB,
    price=JSONB,
    min_order=Numeric,
    region=Text,
    state=Text,
    version=Integer,
    created_at=_INSTANT,
    updated_at=_INSTANT,
)

own_requests = _view(
    "market_own_requests",
    operation_id=Uuid,
    work_order_id=Uuid,
    process=Text,
    equipment_class=Text,
    material_family=Text,
    quantity_band=Text,
    window_start_at=_INSTANT,
    due_at=_INSTANT,
    region=Text,
    max_price=JSONB,
    currency=Text,
    disclosure=JSONB,
    state=Text,
    open_quotes=Integer,
    expires_at=_INSTANT,
    contract_id=Uuid,
    version=Integer,
    created_at=_INSTANT,
    updated_at=_INSTANT,
)

board = _view(
    "market_board",
    counterparty_id=Uuid,
    process=Text,
    equipment_class=Text,
    material_family=Text,
    quantity_band=Text,
    window_start_at=_INSTANT,
    due_at=_INSTANT,
    region=Text,
    expires_at=_INSTANT,
)

own_ndas = _view(
    "market_own_ndas",
    request_id=Uuid,
    party=Text,
    counterparty_id=Uuid,
    signed_by=Text,
    details=JSONB,
    signed_at=_INSTANT,
)

own_quotes = _view(
    "market_own_quotes",
    request_id=Uuid,
    listing_id=Uuid,
    party=Text,
    counterparty_id=Uuid,
    price=JSONB,
    lead_time=Interval,
    offered_by=Text,
    within_max_price=Boolean,
    state=Text,
    version=Integer,
    created_at=_INSTANT,
    updated_at=_INSTANT,
)

own_contracts = _view(
    "market_own_contracts",
    party=Text,
    counterparty_id=Uuid,
    counterparty_name=Text,
    request_id=Uuid,
    quote_id=Uuid,
    operation_id=Uuid,
    work_order_id=Uuid,
    price=JSONB,
    lead_time=Interval,
    due_at=_INSTANT,
    window_start_at=_INSTANT,
    window_end_at=_INSTANT,
    state=Text,
    inspection_result=Text,
    dispute_reason=Text,
    good=Numeric,
    scrap=Numeric,
    package=JSONB,
    settlement=JSONB,
    accepted_at=_INSTANT,
    version=Integer,
    created_at=_INSTANT,
    updated_at=_INSTANT,
)
