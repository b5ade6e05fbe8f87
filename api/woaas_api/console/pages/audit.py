"""The audit log: its newest checkpoint, its entries with their proofs, and bundles to verify elsewhere."""

from itertools import pairwise

from woaas_api.console.forms import instant, refuse
from woaas_api.console.page import JSON, Notice, Outcome, Page, SeeOther, Sent, Shown, page
from woaas_api.console.vocabulary import N_
from woaas_core.errors import Invalid, NotFound

_PAGE_SIZE = 40
_FILTERS = ("order", "type", "actor", "from", "to")


@page("GET", "/audit", needs=("GET /audit/entries",))
async def show_log(page: Page) -> Outcome:
    """The newest checkpoint, bundles, and entries through filters."""
    typed = {name: page.query.get(name, "").strip() for name in _FILTERS}
    wrong = ""
    found: JSON = {"data": [], "next_cursor": None, "archived_before": 0}
    try:
        asked = await _asked(page, typed)
        found = await page.get("/audit/entries", asked)
    except (Invalid, NotFound):
        wrong = page.text("Nothing fits: check the order number and the times.")
    values = {
        "typed": typed,
        "wrong": wrong,
        "entries": found["data"],
        "next_cursor": found["next_cursor"],
        "archived_before": found["archived_before"],
        "checkpoint": await _checkpoint(page),
        "place": "audit",
    }
    if page.wants_fragment("more"):
        return Shown("audit/rows.html", values)
    keys = (await page.get("/audit/keys"))["data"]
    signed = (await page.get("/audit/checkpoints", {"limit": "6"}))["data"]
    exports = (await page.get("/audit/exports", {"limit": "5"}))["data"] if page.sees("audit_export", "id") else []
    kept = await page.get("/audit/retention") if page.sees("audit_retention", "archive_after_days") else None
    more = {"keys": keys, "exports": exports, "growth": await _growth(page, signed), "retention": kept}
    return Shown("audit/log.html", {**values, **more})


@page("POST", "/audit/retention", needs=("PUT /audit/retention",))
async def set_retention(page: Page) -> Outcome:
    """Set after how many days entries are archived; an empty field keeps all at hand."""
    days = page.form.get("archive_after_days", "").strip()
    if days and not days.isdigit():
        raise refuse("/archive_after_days", N_("Give a number of days."))
    await page.put("/audit/retention", {"archive_after_days": int(days) if days else None})
    return SeeOther("/console/audit", Notice(page.text("Saved.")))


@page("GET", "/audit/entries/{index:str}/proof", needs=("GET /audit/entries/{index}/inclusion-proof",))
async def show_proof(page: Page, index: str) -> Outcome:
    """The proof that an entry is in the log of the newest checkpoint, for the browser to follow."""
    checkpoint = await _checkpoint(page)
    if checkpoint is None or not index.isdigit() or int(index) >= checkpoint["size"]:
        return Shown("audit/proof.html", {"proof": None, "checkpoint": checkpoint})
    size = str(checkpoint["size"])
    proof = await page.get(f"/audit/entries/{index}/inclusion-proof", {"tree_size": size})
    return Shown("audit/proof.html", {"proof": proof, "checkpoint": checkpoint})


@page("POST", "/audit/exports", needs=("POST /audit/exports",))
async def export(page: Page) -> Outcome:
    """Ask for a bundle of a stretch of time, or of everything."""
    body = {name: instant(page.form.get(name, ""), page.zone, f"/{name}") for name in ("from", "to")}
    asked = {name: at for name, at in body.items() if at}
    await page.post("/audit/exports", {**asked, "format": page.form.get("format") or "jsonl"})
    return SeeOther("/console/audit", Notice(page.text("The bundle is being written; it appears below.")))


@page("GET", "/audit/exports/{key:str}", needs=("GET /audit/exports/{id}/download",))
async def download(page: Page, key: str) -> Outcome:
    """A written bundle."""
    found = await page.get(f"/audit/exports/{key}")
    content: bytes = await page.get(f"/audit/exports/{key}/download")
    while 0 < len(content) < found["size_bytes"]:
        content += await page.get(f"/audit/exports/{key}/download", {"start": str(len(content))})
    return Sent(content, "application/zip", f"audit-{found['first_index']}-{found['end_index']}.zip")


async def _asked(page: Page, typed: JSON) -> dict[str, str]:
    """The filters as the API names them; an order is found by its number too."""
    asked = {"limit": str(_PAGE_SIZE)}
    if typed["order"]:
        if "/" in typed["order"]:
            raise refuse("/order", "Not an order number.")
        asked["work_order_id"] = (await page.get(f"/work-orders/{typed['order']}"))["id"]
    for name in ("from", "to"):
        at = instant(typed[name], page.zone, f"/{name}")
        if at:
            asked[name] = at
    for name in ("type", "actor"):
        if typed[name]:
            asked[name] = typed[name]
    if page.query.get("cursor"):
        asked["cursor"] = page.query["cursor"]
    return asked


async def _growth(page: Page, signed: list[JSON]) -> list[JSON]:
    """Checkpoints, newest first, each with the proof that it continues the one below, for the browser to follow."""
    grown = []
    for newer, older in pairwise(signed):
        query = {"from": str(older["size"]), "to": str(newer["size"])}
        grown.append({**newer, "older": older, "proof": (await page.get("/audit/consistency-proof", query))["proof"]})
    return grown


async def _checkpoint(page: Page) -> JSON | None:
    newest = (await page.get("/audit/checkpoints", {"limit": "1"}))["data"]
    return newest[0] if newest else None


PAGES = (show_log, show_proof, export, download, set_retention)
