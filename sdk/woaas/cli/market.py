"""`woaas market`."""

from __future__ import annotations

from itertools import islice

from cyclopts import App

from .config import client
from .output import AsJSON, Limit, show, show_many

app = App(name="market", help="Offer and find capacity.")


@app.command
def board(*, limit: Limit = 50, as_json: AsJSON = False) -> None:
    """What others are looking for."""
    with client() as woaas:
        rows = list(islice(woaas.market.board(limit=min(limit, 200)), limit))
    show_many(rows, ("id", "process", "material_family", "quantity_band", "due_at", "region"), as_json=as_json)


@app.command
def listings(*, limit: Limit = 50, as_json: AsJSON = False) -> None:
    """Your own offers of capacity."""
    with client() as woaas:
        rows = list(islice(woaas.market.listings.list(limit=min(limit, 200)), limit))
    show_many(rows, ("id", "state", "process", "equipment_class", "price", "region"), as_json=as_json)


@app.command
def requests(*, state: str | None = None, limit: Limit = 50, as_json: AsJSON = False) -> None:
    """Your own requests for capacity."""
    with client() as woaas:
        rows = list(islice(woaas.market.requests.list(state=state, limit=min(limit, 200)), limit))
    show_many(rows, ("id", "state", "operation_id", "due_at", "max_price"), as_json=as_json)


@app.command
def candidates(request_id: str, *, as_json: AsJSON = False) -> None:
    """Who could do a request, best first."""
    with client() as woaas:
        rows = list(woaas.market.requests.candidates(request_id))
    show_many(rows, ("listing_id", "counterparty", "score", "terms"), as_json=as_json)


@app.command
def contracts(*, state: str | None = None, limit: Limit = 50, as_json: AsJSON = False) -> None:
    """Contracts, as your side sees them."""
    with client() as woaas:
        rows = list(islice(woaas.market.contracts.list(state=state, limit=min(limit, 200)), limit))
    show_many(rows, ("id", "state", "party", "counterparty", "price", "due_at"), as_json=as_json)


@app.command
def contract(id: str, *, as_json: AsJSON = False) -> None:
    """One contract."""
    with client() as woaas:
        found = woaas.market.contracts.get(id)
    show(found, ("id", "state", "party", "counterparty", "price", "due_at", "inspection_result"), as_json=as_json)
