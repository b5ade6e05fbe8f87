"""How billing's objects are shown."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from woaas_billing.models import (
    billing_periods,
    invoices,
    ledger_entries,
    price_versions,
    settlements,
    spend_limits,
    usage_events,
)
from woaas_core.money import Currency, Money
from woaas_core.wire import money_view
from woaas_security.authz.resource import Field, Resource

if TYPE_CHECKING:
    from asyncpg import Record

PLAN = Resource(
    "plan",
    "prc",
    price_versions,
    (
        Field("id", "id", prefix="prc"),
        Field("code", column="plan"),
        Field("name"),
        Field("version", "integer"),
        Field("meter"),
        Field("price", "json"),
        Field("currency"),
        Field("valid_from", "instant"),
    ),
)

PERIOD = Resource(
    "billing_period",
    "bp",
    billing_periods,
    (
        Field("id", "id", prefix="bp"),
        Field("number", "integer"),
        Field("status"),
        Field("plan"),
        Field("time_zone"),
        Field("starts_at", "instant"),
        Field("renews_at", "instant"),
        Field("ends_at", "instant"),
    ),
)

USAGE_EVENT = Resource(
    "usage_event",
    "ue",
    usage_events,
    (
        # The wire id is made from the fact; the row's own is only the order of the list.
        Field("id", column="identifier", filterable=True),
        Field("work_order_id", "id", prefix="wo"),
        Field("number", filterable=True, searched=True),
        Field("period", "id", column="period_id", prefix="bp"),
        Field("meter", filterable=True),
        Field("kind", filterable=True),
        Field("quantity", "decimal"),
        Field("event_id", "id", prefix="evt"),
        Field("audit_index", "integer", filterable=True),
        Field("occurred_at", "instant", filterable=True),
        Field("recorded_at", "instant", filterable=True),
    ),
)

INVOICE = Resource(
    "invoice",
    "inv",
    invoices,
    (
        Field("id", "id", prefix="inv"),
        Field("number", filterable=True, searched=True),
        Field("state", filterable=True),
        Field("period", "id", column="period_id", prefix="bp"),
        Field("currency", filterable=True),
        Field("total", column="total_minor", render=money_view),
        Field("content_sha256", render=bytes.hex),
        Field("issued_at", "instant", filterable=True),
    ),
    actions=frozenset({"issue"}),
)

SETTLEMENT = Resource(
    "settlement",
    "stl",
    settlements,
    (
        Field("id", "id", prefix="stl"),
        Field("contract_id", filterable=True),
        Field("role", filterable=True),
        Field("currency", filterable=True),
        Field("gross", column="gross_minor", render=money_view),
        Field("fee", column="fee_minor", render=money_view),
        Field("net", column="net_minor", render=money_view),
        Field("settled_at", "instant", filterable=True),
    ),
)

SPEND_LIMIT = Resource(
    "spend_limit",
    "lim",
    spend_limits,
    (
        Field("id", "id", prefix="lim"),
        Field("soft", column="soft_minor", render=money_view),
        Field("hard", column="hard_minor", render=money_view),
        Field("version", "integer", tells_of_all=True),
        Field("updated_at", "instant", tells_of_all=True),
    ),
    actions=frozenset({"update"}),
    writes=frozenset({"soft", "hard"}),
)

LEDGER = Resource("ledger", "led", ledger_entries, (Field("id", "id", prefix="led"), Field("amount_minor", "integer")))


def priced(row: "Record | Mapping[str, Any]", *names: str) -> Mapping[str, Any]:
    """A row whose minor units are amounts of its currency, ready to be shown; what was not fetched stays away."""
    shown: dict[str, Any] = dict(row)
    currency = Currency(shown["currency"])
    for name in names:
        if shown.get(name) is not None:
            shown[name] = Money(shown[name], currency)
    return shown
