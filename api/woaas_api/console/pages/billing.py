"""Billing: what the open period holds and costs, the plan's prices, invoices and settlements."""

from woaas_api.console.page import JSON, Outcome, Page, Shown, page
from woaas_core.errors import NotFound

_RECENT = "12"


@page("GET", "/billing", needs=("GET /billing/usage", "GET /billing/subscription"))
async def show_billing(page: Page) -> Outcome:
    """The open period beside what came before."""
    period = await _open_period(page)
    values = {
        **period,
        "tiers": _tiers(period["subscription"]),
        "invoices": await _recent(page, "invoice", "/billing/invoices"),
        "events": await _recent(page, "usage_event", "/billing/usage-events"),
        "settlements": await _recent(page, "settlement", "/billing/settlements"),
        "place": "billing",
    }
    return Shown("billing/billing.html", values)


@page("GET", "/billing/invoices/{key:str}", needs=("GET /billing/invoices/{id}",))
async def show_invoice(page: Page, key: str) -> Outcome:
    """An issued invoice with its lines."""
    invoice = await page.get(f"/billing/invoices/{key}")
    return Shown("billing/invoice.html", {"invoice": invoice, "place": "billing"})


async def _open_period(page: Page) -> JSON:
    """What is known of the open period; nothing in the moment before the first one is open."""
    found: JSON = {"subscription": None, "usage": None, "preview": None}
    try:
        if page.sees("billing_period", "id"):
            found["subscription"] = await page.get("/billing/subscription")
        if page.sees("usage_event", "id"):
            found["usage"] = await page.get("/billing/usage")
        if page.sees("invoice", "total"):
            found["preview"] = await page.post("/billing/invoices/preview", {})
    except NotFound:
        return found
    return found


async def _recent(page: Page, resource: str, path: str) -> list[JSON]:
    if not page.sees(resource, "id"):
        return []
    found: list[JSON] = (await page.get(path, {"limit": _RECENT}))["data"]
    return found


def _tiers(subscription: JSON | None) -> list[JSON]:
    """The steps of the plan's price, as from, up to, unit price and flat fee."""
    price = ((subscription or {}).get("price") or {}).get("price") or {}
    steps = price.get("tiers") or [{"up_to": None, "unit": price.get("unit"), "flat": "0"}]
    floors = ["0", *(step.get("up_to") for step in steps[:-1])]
    return [{**step, "above": floor} for step, floor in zip(steps, floors, strict=True)] if price else []


PAGES = (show_billing, show_invoice)
