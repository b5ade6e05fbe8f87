"""The list of work orders, and a new one."""

from typing import NamedTuple

from woaas_api.console.forms import codes, complaints, given, instant, minutes
from woaas_api.console.page import JSON, Notice, Outcome, Page, SeeOther, Shown, page
from woaas_api.console.vocabulary import N_
from woaas_core.errors import FieldForbidden, Invalid

_PAGE_SIZE = 30
_OPERATION_FIELDS = ("name", "work_centers", "setup_minutes", "unit_minutes")


class Tab(NamedTuple):
    """A saved filter."""

    key: str
    label: str
    states: str


TABS = (
    Tab("all", N_("All"), ""),
    Tab("draft", N_("Draft"), "draft,forecast"),
    Tab("released", N_("Released"), "released"),
    Tab("running", N_("Running"), "running"),
    Tab("held", N_("On hold"), "held"),
    Tab("late", N_("Late"), "released,running,held"),
    Tab("done", N_("Done"), "completed,closed"),
)
_BY_KEY = {tab.key: tab for tab in TABS}


@page("GET", "/orders", needs=("GET /work-orders",))
async def list_orders(page: Page) -> Outcome:
    """Orders by state, searched and paged; a later page comes as rows only."""
    tab = _BY_KEY.get(page.query.get("tab", ""), TABS[0])
    filters = {"expand": "operations", "limit": str(_PAGE_SIZE)}
    # A cursor is bound to its query, so later pages of "late" ask with the first page's instant.
    asked = page.query.get("asked") or page.now.isoformat()
    if tab.states:
        filters["state"] = tab.states
    if tab.key == "late":
        filters |= {"due_at[lt]": asked, "sort": "due_at"}
    if page.query.get("q"):
        filters["q"] = page.query["q"]
    if page.query.get("cursor"):
        filters["cursor"] = page.query["cursor"]
    found = await page.get("/work-orders", filters)
    values = {
        "tabs": [t for t in TABS if t.key != "late" or page.sees("work_order", "due_at")],
        "tab": tab,
        "q": page.query.get("q", ""),
        "orders": found["data"],
        "next_cursor": found["next_cursor"],
        "asked": asked,
        "place": "orders",
    }
    if page.wants_fragment("more"):
        return Shown("orders/rows.html", values)
    return Shown("orders/table.html" if page.wants_fragment("orders") else "orders/list.html", values)


@page("GET", "/orders/new", needs=("POST /work-orders",))
async def new_order(page: Page) -> Outcome:
    """A form for a new order."""
    return await _form(page, {"quantity": "1", "priority": "3", "unit": "pcs"}, [{}], {})


@page("GET", "/orders/new/operation", needs=("POST /work-orders",))
async def new_operation(page: Page) -> Outcome:
    """One more line for an operation."""
    at = page.query.get("at", "0")
    index = int(at) if at.isdigit() and len(at) < 4 else 0
    return Shown("orders/operation_line.html", {"index": index, "line": {}, "wrong": {}})


@page("POST", "/orders/new", needs=("POST /work-orders",))
async def create_order(page: Page) -> Outcome:
    """Enter the order, or show the form again with what is wrong."""
    typed = page.form
    lines = _lines(page)
    try:
        async with page.uow.savepoint():
            order = await page.post("/work-orders", _body(page, typed, lines))
    except (Invalid, FieldForbidden) as error:
        return await _form(page, typed, lines or [{}], dict(complaints(error)), status=422)
    text = page.text("Order %(number)s is entered.") % {"number": order.get("number", order["id"])}
    return SeeOther(f"/console/orders/{order.get('number', order['id'])}", Notice(text))


async def _form(page: Page, typed: JSON, lines: list[JSON], wrong: dict[str, str], *, status: int = 200) -> Shown:
    values = {
        "typed": typed,
        "lines": lines,
        "wrong": wrong,
        "routings": await _known(page, "routing", "/routings"),
        "customers": await _known(page, "customer", "/customers"),
        "work_centers": await _known(page, "work_center", "/work-centers"),
        "place": "orders",
    }
    return Shown("orders/new.html", values, status)


async def _known(page: Page, resource: str, path: str) -> list[JSON]:
    """Codes to offer, where the reader may see them."""
    if not page.sees(resource, "code"):
        return []
    found = await page.get(path, {"limit": "200", "sort": "code"})
    return [row for row in found["data"] if not row.get("archived_at")]


def _lines(page: Page) -> list[JSON]:
    """The operation lines that hold anything, in the order typed."""
    by_name: dict[str, list[str]] = {name: [] for name in _OPERATION_FIELDS}
    for name, value in page.visit.form:
        part = name.removeprefix("operation_")
        if part in by_name:
            by_name[part].append(value.strip())
    rows = zip(*by_name.values(), strict=False)
    return [dict(zip(_OPERATION_FIELDS, row, strict=True)) for row in rows if any(row)]


def _body(page: Page, typed: JSON, lines: list[JSON]) -> JSON:
    body = given(
        **{name: typed.get(name, "").strip() for name in ("product", "quantity", "unit", "title", "customer")},
        external_ref=typed.get("external_ref", "").strip(),
        due_at=instant(typed.get("due_at", ""), page.zone, "/due_at"),
        priority=int(typed["priority"]) if typed.get("priority", "").isdigit() else None,
    )
    if lines:
        body["operations"] = [
            given(
                name=line["name"],
                work_centers=codes(line["work_centers"]) or None,
                setup_time=minutes(line["setup_minutes"], f"/operations/{i}/setup_time"),
                unit_time=minutes(line["unit_minutes"], f"/operations/{i}/unit_time"),
            )
            for i, line in enumerate(lines)
        ]
    if typed.get("release"):
        body["release"] = True
    return body


PAGES = (list_orders, new_order, new_operation, create_order)
