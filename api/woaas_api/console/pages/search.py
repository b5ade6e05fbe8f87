"""One search from the head of every page: what was found, by kind."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from woaas_api.console.page import JSON, Outcome, Page, Shown, page
from woaas_api.console.vocabulary import N_
from woaas_work_orders.search import MOST_HITS

# The kinds as a heading names them.
KINDS = {
    "work_order": N_("Orders"),
    "operation": N_("Operations"),
    "site": N_("Sites"),
    "line": N_("Lines"),
    "work_center": N_("Work centers"),
    "calendar": N_("Calendars"),
    "operator": N_("Operators"),
    "tool": N_("Tools"),
    "setup_matrix": N_("Set-up matrices"),
    "material": N_("Materials"),
    "material_lot": N_("Material lots"),
    "routing": N_("Routings"),
    "asset": N_("Assets"),
    "customer": N_("Customers"),
}
# Where else a text may stand than in what an object is called.
FIELDS = {
    "product": N_("Product"),
    "customer": N_("Customer"),
    "external_ref": N_("Your reference"),
    "serial_number": N_("Serial number"),
    "material": N_("Material"),
    "lot": N_("Lot"),
}
_CALLED = ("number", "code", "title", "name")


class Marked(NamedTuple):
    """A text in three parts, the middle of which is what was looked for."""

    before: str
    found: str = ""
    after: str = ""


@page("GET", "/search", needs=("GET /search",))
async def search(page: Page) -> Outcome:
    """What the reader may see of what has a text in it; of one kind if he chose one."""
    q, kind = page.query.get("q", "").strip(), page.query.get("kind", "")
    values: JSON = {"q": q, "kind": kind, "groups": [], "kinds": {}, "states": {}, "place": "search",
                    "kind_words": KINDS, "field_words": FIELDS}  # fmt: skip
    if q:
        asked = {"q": q, "limit": str(MOST_HITS)}
        found = await page.get("/search", asked)
        values["kinds"] = found["facets"]["kind"]
        if kind:
            found = await page.get("/search", {**asked, "kinds": kind})
        numbers = await _numbers(page, found["data"])
        values |= {"states": found["facets"]["state"], "groups": _by_kind(page, found["data"], numbers)}
    return Shown("search/search.html", values)


async def _numbers(page: Page, hits: Iterable[JSON]) -> dict[str, str]:
    """What the orders of operations are called, by their ids."""
    orders = {hit["work_order_id"] for hit in hits if "work_order_id" in hit}
    if not orders or not page.sees("work_order", "number"):
        return {}
    asked = {"id[in]": ",".join(sorted(orders)), "fields": "id,number", "limit": str(MOST_HITS)}
    found = await page.get("/work-orders", asked)
    return {order["id"]: order["number"] for order in found["data"] if order.get("number")}


def _by_kind(page: Page, hits: Iterable[JSON], numbers: Mapping[str, str]) -> list[tuple[str, list[JSON]]]:
    """The hits of each kind together, the kind of the best one first."""
    groups: dict[str, list[JSON]] = {}
    for hit in hits:
        groups.setdefault(hit["kind"], []).append(_line(page, hit, numbers))
    return list(groups.items())


def _line(page: Page, hit: JSON, numbers: Mapping[str, str]) -> JSON:
    marks = {h["field"]: h for h in hit["highlights"]}
    called = hit.get("number") or hit.get("code") or numbers.get(hit.get("work_order_id", ""), "")
    title = hit.get("title") or ""
    return {
        "href": _place(page, hit),
        "called": _marked(called, marks.get("number") or marks.get("code")),
        "title": _marked(title, marks.get("title") or marks.get("name")),
        "state": hit.get("state"),
        "elsewhere": [(name, _marked(h["text"], h)) for name, h in marks.items() if name not in _CALLED],
    }


def _marked(text: str, highlight: JSON | None) -> Marked:
    if highlight is None or highlight["text"] not in text:
        return Marked(text)
    start = text.index(highlight["text"]) + highlight["start"]
    end = start + highlight["end"] - highlight["start"]
    return Marked(text[:start], text[start:end], text[end:])


def _place(page: Page, hit: JSON) -> str:
    """The page of an order, also for its operations; of what orders name by its code those orders; else none."""
    match hit:
        case {"kind": "work_order"}:
            return f"/console/orders/{hit.get('number') or hit['id']}"
        case {"kind": "operation", "work_order_id": order}:
            return f"/console/orders/{order}"
        case {"kind": "customer" | "routing" | "material" as kind, "code": code} if page.sees(
            "work_order", "customer" if kind == "customer" else "product"
        ):
            return f"/console/orders?{urlencode({'q': code})}"
        case _:
            return ""


PAGES = (search,)
