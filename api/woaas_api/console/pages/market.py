"""The capacity market: what one offers, asks for, sees on the board and has agreed."""

from typing import NamedTuple

from woaas_api.console.forms import codes, given, instant, money, span_of_days
from woaas_api.console.page import JSON, Notice, Outcome, Page, SeeOther, Shown, page
from woaas_api.console.vocabulary import N_
from woaas_capacity_market.lifecycle import (
    CONTRACT_ENDED,
    QUOTE_COMMANDS,
    REQUEST_COMMANDS,
    REQUEST_TRANSITIONS,
    Party,
    contract_commands,
    quote_parties,
)
from woaas_capacity_market.listings import LISTING_TRANSITIONS

_OPEN_QUOTES = ("submitted", "countered")
_CONTRACT_PATH = (
    *("awarded", "accepted", "package_released", "in_production", "shipped", "received", "inspected"),
    *("accepted_by_buyer", "settled", "closed"),
)
GRAVE = frozenset({"cancel", "dispute", "withdraw", "decline", "close"})


class View(NamedTuple):
    """A part of the market."""

    key: str
    label: str
    path: str
    resource: str


VIEWS = (
    View("contracts", N_("Contracts"), "/market/contracts", "contract"),
    View("requests", N_("My requests"), "/market/requests", "market_request"),
    View("board", N_("Board"), "/market/board", "board"),
    View("listings", N_("My capacity"), "/market/listings", "listing"),
)


@page("GET", "/market", needs=("GET /market/listings",))
async def show_market(page: Page) -> Outcome:
    """One part of the market as a list."""
    views = [v for v in VIEWS if page.sees(v.resource, "id")]
    view = next((v for v in views if v.key == page.query.get("view")), views[0] if views else VIEWS[0])
    asked = {"limit": "30", **({"cursor": page.query["cursor"]} if page.query.get("cursor") else {})}
    found = await page.get(view.path, asked)
    quotes: JSON = {}
    if view.key == "board" and page.sees("quote", "id"):
        given_quotes = (await page.get("/market/quotes", {"party": "partner", "limit": "200"}))["data"]
        quotes = {q["request_id"]: {**q, "commands": _quote_commands(page, q)} for q in reversed(given_quotes)}
    values = {
        "views": views,
        "view": view,
        "rows": found["data"],
        "next_cursor": found["next_cursor"],
        "quotes": quotes,
        "listing_commands": {r["id"]: _listing_commands(page, r) for r in found["data"] if view.key == "listings"},
        "grave": GRAVE,
        "place": "market",
    }
    return Shown("market/market.html", values)


@page("POST", "/market/listings", needs=("POST /market/listings",))
async def create_listing(page: Page) -> Outcome:
    """Put capacity on the market."""
    typed = page.form
    price = {**money(typed.get("amount", ""), typed.get("currency", "")), "per": typed.get("per", "unit")}
    body = given(
        **{n: typed.get(n, "").strip() for n in ("process", "equipment_class", "tolerance", "region", "min_order")},
        price=price,
        materials=codes(typed.get("materials", "")) or None,
        certificates=codes(typed.get("certificates", "")) or None,
    )
    await page.post("/market/listings", body)
    return SeeOther("/console/market?view=listings", Notice(page.text("Your capacity is on the market.")))


@page("POST", "/market/listings/{key:str}/commands", needs=("POST /market/listings/{id}/pause",))
async def command_listing(page: Page, key: str) -> Outcome:
    """Open, pause or close a listing."""
    await page.post(f"/market/listings/{key}/{page.form.get('command', '')}", {})
    return SeeOther("/console/market?view=listings")


@page("POST", "/market/requests", needs=("POST /market/requests",))
async def create_request(page: Page) -> Outcome:
    """Draft a request for an operation."""
    typed = page.form
    limit = money(typed["amount"], typed.get("currency", "")) if typed.get("amount") else None
    body = given(
        operation_id=typed.get("operation_id", ""),
        due_at=instant(typed.get("due_at", ""), page.zone, "/due_at"),
        max_price=limit,
        disclosure=given(
            level=typed.get("level", "package"),
            **{n: typed.get(n, "").strip() for n in ("process", "material_family", "region")},
        ),
    )
    made = await page.post("/market/requests", body)
    return SeeOther(f"/console/market/requests/{made['id']}", Notice(page.text("A draft; nobody else sees it yet.")))


@page("GET", "/market/requests/{key:str}", needs=("GET /market/requests/{id}",))
async def show_request(page: Page, key: str) -> Outcome:
    """A request of one's own: who could take it, and what they offer."""
    request = await page.get(f"/market/requests/{key}")
    state = request.get("state")
    is_open = state in ("draft", "published", "quoting")
    quotes = (await page.get(f"/market/requests/{key}/quotes"))["data"] if page.sees("quote", "id") else []
    values = {
        "request": request,
        "candidates": (await page.get(f"/market/requests/{key}/candidates"))["data"] if is_open else [],
        "quotes": quotes,
        "quote_commands": {q["id"]: _quote_commands(page, q) for q in quotes},
        "can_award": state in ("published", "quoting") and page.may("market_request", "award"),
        "commands": [
            c
            for s, c in REQUEST_TRANSITIONS
            if s == state and c in REQUEST_COMMANDS - {"award"} and page.may("market_request", c)
        ],
        "grave": GRAVE,
        "place": "market",
    }
    return Shown("market/request.html", values)


@page("POST", "/market/requests/{key:str}/commands", needs=("POST /market/requests/{id}/publish",))
async def command_request(page: Page, key: str) -> Outcome:
    """Publish, withdraw or cancel a request."""
    await page.post(f"/market/requests/{key}/{page.form.get('command', '')}", {})
    return SeeOther(f"/console/market/requests/{key}")


@page("POST", "/market/requests/{key:str}/nda", needs=("POST /market/requests/{id}/nda",))
async def sign_nda(page: Page, key: str) -> Outcome:
    """Sign the confidentiality agreement of a request on the board."""
    await page.post(f"/market/requests/{key}/nda", {"signature": page.form.get("signature", "")})
    return SeeOther("/console/market?view=board", Notice(page.text("Signed. You may quote now.")))


@page("POST", "/market/requests/{key:str}/quotes", needs=("POST /market/requests/{id}/quotes",))
async def submit_quote(page: Page, key: str) -> Outcome:
    """Quote on a request of the board."""
    await page.post(f"/market/requests/{key}/quotes", _terms(page))
    return SeeOther("/console/market?view=board", Notice(page.text("Your quote is with the buyer.")))


@page("POST", "/market/requests/{key:str}/award", needs=("POST /market/requests/{id}/award",))
async def award(page: Page, key: str) -> Outcome:
    """Award a request to a quote."""
    contract = await page.post(f"/market/requests/{key}/award", {"quote_id": page.form.get("quote_id", "")})
    return SeeOther(f"/console/market/contracts/{contract['id']}", Notice(page.text("Awarded; the capacity is yours.")))


@page("POST", "/market/quotes/{key:str}/commands", needs=("POST /market/quotes/{id}/accept",))
async def command_quote(page: Page, key: str) -> Outcome:
    """Accept, decline, withdraw or counter a quote."""
    command = page.form.get("command", "")
    await page.post(f"/market/quotes/{key}/{command}", _terms(page) if command == "counter" else {})
    return SeeOther(page.form.get("back", "/console/market"))


@page("GET", "/market/contracts/{key:str}", needs=("GET /market/contracts/{id}",))
async def show_contract(page: Page, key: str) -> Outcome:
    """A contract as one's own side sees it."""
    contract = await page.get(f"/market/contracts/{key}")
    permitted = page.actions("contract")
    commands: list[str] = []
    if contract.get("party") and contract.get("state"):
        result = contract.get("inspection_result")
        party = Party(contract["party"])
        commands = contract_commands(contract["state"], party, inspection_result=result, permitted=permitted)
    values = {
        "contract": contract,
        "path": _path(contract),
        "is_waiting": contract.get("state") not in CONTRACT_ENDED and GRAVE.issuperset(commands),
        "commands": sorted(commands, key=lambda c: (c in GRAVE, c)),
        "grave": GRAVE,
        "place": "market",
    }
    return Shown("market/contract.html", values)


@page("POST", "/market/contracts/{key:str}/commands", needs=("POST /market/contracts/{id}/accept",))
async def command_contract(page: Page, key: str) -> Outcome:
    """Carry out one side's command on a contract."""
    members = given(**{n: page.form.get(n, "").strip() for n in ("reason", "good", "scrap", "result")})
    await page.post(f"/market/contracts/{key}/{page.form.get('command', '')}", members)
    return SeeOther(f"/console/market/contracts/{key}")


def _terms(page: Page) -> JSON:
    typed = page.form
    return {
        "price": money(typed.get("amount", ""), typed.get("currency", "")),
        "lead_time": span_of_days(typed.get("days", ""), "/lead_time"),
    }


def _listing_commands(page: Page, listing: JSON) -> list[str]:
    known = [c for s, c in LISTING_TRANSITIONS if s == listing.get("state")]
    return [c for c in known if page.may("listing", c)]


def _quote_commands(page: Page, quote: JSON) -> list[str]:
    """The commands that this side may give on a standing offer."""
    if quote.get("state") not in _OPEN_QUOTES:
        return []
    if "party" not in quote or "offered_by" not in quote:
        return []
    party = Party(quote["party"])
    known = [c for c in sorted(QUOTE_COMMANDS) if party in quote_parties(c, quote["offered_by"])]
    return [c for c in known if page.may("quote", c)]


def _path(contract: JSON) -> list[JSON]:
    """The contract's way with where it stands; empty off the way."""
    state = contract.get("state")
    if state not in _CONTRACT_PATH:
        return []
    at = _CONTRACT_PATH.index(state)
    return [
        {"state": s, "status": "passed" if i < at or s == state == "closed" else "present" if i == at else "ahead"}
        for i, s in enumerate(_CONTRACT_PATH)
    ]


PAGES = (
    *(show_market, create_listing, command_listing),
    *(create_request, show_request, command_request, sign_nda, submit_quote, award, command_quote),
    *(show_contract, command_contract),
)
