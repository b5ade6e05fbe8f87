"""How the market is shown, and what permissions on it are about."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from woaas_capacity_market import views
from woaas_capacity_market.inputs import NewListing, NewQuote, NewRequest
from woaas_capacity_market.lifecycle import CONTRACT_COMMANDS, QUOTE_COMMANDS, REQUEST_COMMANDS
from woaas_core.money import Currency, Money
from woaas_core.wire import money_view
from woaas_security.authz.resource import Field, Resource, members_of


def _money(value: Mapping[str, Any]) -> dict[str, str]:
    return money_view(Money(value["minor"], Currency(value["currency"])))


def _settlement(value: Mapping[str, Any]) -> dict[str, Any]:
    currency = Currency(value["currency"])
    return {part: money_view(Money(value[part], currency)) for part in ("gross", "fee", "net")}


def _windows(value: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**w, "start_at": _instant(w["start_at"]), "end_at": _instant(w["end_at"])} for w in value]


def _package(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"released_at": _instant(value["released_at"]), "sha256": value["sha256"]}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


_VERSIONED = (
    Field("version", "integer", tells_of_all=True),
    Field("created_at", "instant", filterable=True),
    Field("updated_at", "instant", filterable=True, tells_of_all=True),
)
_CLASSES = (
    Field("process", filterable=True, searched=True),
    Field("equipment_class", filterable=True, searched=True),
)
_TEASER = (
    *_CLASSES,
    Field("material_family", filterable=True),
    Field("quantity_band", filterable=True),
    Field("window_start_at", "instant", filterable=True),
    Field("due_at", "instant", filterable=True),
    Field("region", filterable=True),
    Field("expires_at", "instant", filterable=True),
)
_SIDES = (Field("party", filterable=True), Field("counterparty", "id", column="counterparty_id", prefix="pty"))

LISTING = Resource(
    "listing",
    "lst",
    views.own_listings,
    (
        Field("id", "id", prefix="lst"),
        *_CLASSES,
        Field("materials", "texts"),
        Field("envelope", "json"),
        Field("tolerance"),
        Field("certificates", "texts"),
        Field("windows", "json", render=_windows),
        Field("price", "json"),
        Field("min_order", "decimal", filterable=True),
        Field("region", filterable=True),
        Field("state", filterable=True),
        *_VERSIONED,
    ),
    actions=frozenset({"create", "update", "open", "pause", "close"}),
    writes=members_of(NewListing),
)

REQUEST = Resource(
    "market_request",
    "mrq",
    views.own_requests,
    (
        Field("id", "id", prefix="mrq"),
        Field("operation_id", "id", prefix="op"),
        Field("work_order_id", "id", prefix="wo"),
        Field("state", filterable=True),
        *_TEASER,
        Field("max_price", "json", render=_money),
        Field("disclosure", "json"),
        Field("open_quotes", "integer", filterable=True),
        Field("contract_id", "id", prefix="ctr"),
        *_VERSIONED,
    ),
    actions=REQUEST_COMMANDS | {"create"},
    writes=members_of(NewRequest),
)

BOARD = Resource(
    "board",
    "mrq",
    views.board,
    (Field("id", "id", prefix="mrq"), Field("counterparty", "id", column="counterparty_id", prefix="pty"), *_TEASER),
)

NDA = Resource(
    "nda",
    "nda",
    views.own_ndas,
    (
        Field("id", "id", prefix="nda"),
        Field("request_id", "id", prefix="mrq"),
        *_SIDES,
        Field("signed_by"),
        Field("details", "json"),
        Field("signed_at", "instant", filterable=True),
    ),
    actions=frozenset({"sign"}),
)

QUOTE = Resource(
    "quote",
    "quo",
    views.own_quotes,
    (
        Field("id", "id", prefix="quo"),
        Field("request_id", "id", prefix="mrq"),
        Field("listing_id", "id", prefix="lst"),
        *_SIDES,
        Field("state", filterable=True),
        Field("price", "json", render=_money),
        Field("lead_time", "duration", filterable=True),
        Field("offered_by", filterable=True),
        Field("within_max_price", "boolean"),
        *_VERSIONED,
    ),
    actions=QUOTE_COMMANDS | {"submit"},
    writes=members_of(NewQuote) | {"request_id"},
)

CONTRACT = Resource(
    "contract",
    "ctr",
    views.own_contracts,
    (
        Field("id", "id", prefix="ctr"),
        *_SIDES,
        Field("counterparty_name"),
        Field("state", filterable=True),
        Field("request_id", "id", prefix="mrq"),
        Field("quote_id", "id", prefix="quo"),
        Field("operation_id", "id", prefix="op"),
        Field("work_order_id", "id", prefix="wo"),
        Field("price", "json", render=_money),
        Field("lead_time", "duration"),
        Field("due_at", "instant", filterable=True),
        Field("window_start_at", "instant"),
        Field("window_end_at", "instant"),
        Field("inspection_result", filterable=True),
        Field("dispute_reason"),
        Field("good", "decimal"),
        Field("scrap", "decimal"),
        Field("package", "json", render=_package),
        Field("settlement", "json", render=_settlement),
        Field("accepted_at", "instant", filterable=True),
        *_VERSIONED,
    ),
    actions=CONTRACT_COMMANDS,
)

BUYER_ONLY = frozenset({"operation_id", "work_order_id", "within_max_price"})
"""Fields that the partner's side of a deal does not have at all (to it they are null in the view anyway)."""
