"""`woaas billing`."""

from __future__ import annotations

from itertools import islice

from cyclopts import App

from .config import client
from .output import AsJSON, Limit, show, show_many

app = App(name="billing", help="Usage and invoices.")

INVOICE = ("id", "number", "state", "period", "total", "issued_at")


@app.command
def usage(*, period: str | None = None, as_json: AsJSON = False) -> None:
    """What a period comes to.

    Parameters
    ----------
    period
        Its id; the open one unless given.
    """
    with client() as woaas:
        found = woaas.billing.usage(period=period)
    show(found, tuple(found.to_dict()), as_json=as_json)


@app.command
def invoices(*, limit: Limit = 50, as_json: AsJSON = False) -> None:
    """Invoices."""
    with client() as woaas:
        rows = list(islice(woaas.billing.invoices(limit=min(limit, 200)), limit))
    show_many(rows, INVOICE, as_json=as_json)


@app.command
def preview(*, period: str | None = None, as_json: AsJSON = False) -> None:
    """What the invoice of a period would say now.

    Parameters
    ----------
    period
        Its id; the open one unless given.
    """
    with client() as woaas:
        invoice = woaas.billing.preview(period=period)
    show(invoice, INVOICE, as_json=as_json)
    if not as_json:
        show_many(invoice.lines, ("description", "quantity", "unit_price", "amount"), as_json=False)
