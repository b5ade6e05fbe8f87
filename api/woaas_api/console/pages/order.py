"""One work order: where it stands, its operations, and what can be done now."""

from collections.abc import Mapping

from woaas_api.console.forms import given, instant
from woaas_api.console.page import JSON, Notice, Outcome, Page, SeeOther, Shown, page
from woaas_api.console.pages.signing import way_to_confirm
from woaas_api.console.vocabulary import word
from woaas_security.identity import second_factor
from woaas_work_orders.attachments.resources import CLASSES
from woaas_work_orders.orders.lifecycle import (
    OPERATION_ENDED,
    OPERATION_TRANSITIONS,
    ORDER_TRANSITIONS,
    STAGES,
    allowed_commands,
)

# What a reader wants to do next comes first; what ends things comes last and asks again.
_PROMINENT = ("release", "resume", "complete", "close", "start")
GRAVE = frozenset({"cancel", "abort", "reopen", "skip"})
_REPORTABLE = ("ready", "running", "suspended")


@page("GET", "/orders/{key:str}", needs=("GET /work-orders/{id}",))
async def show_order(page: Page, key: str) -> Outcome:
    """An order with its operations and its history."""
    order = await page.get(f"/work-orders/{key}")
    operations = order.get("operations", [])
    commands = _ordered(_order_commands(page, order, operations))
    values = {
        "order": order,
        "operations": operations,
        "stages": _stages(order),
        "commands": commands,
        "next_step": _next_step(commands, operations),
        "operation_commands": {o["id"]: _ordered(_operation_commands(page, order, o)) for o in operations},
        "reportable": {o["id"] for o in operations if _is_reportable(page, order, o)},
        "inspectable": {o["id"] for o in operations if _is_inspectable(page, o)},
        "sendable": {o["id"] for o in operations if _is_sendable(page, order, o)},
        "timeline": list(reversed((await page.get(f"/work-orders/{key}/timeline"))["data"])),
        "receipts": (await page.get(f"/work-orders/{key}/receipts"))["data"] if page.sees("receipt", "id") else [],
        "files": await _files(page, key),
        "file_classes": [c for c in CLASSES if page.writes("attachment_class", c)],
        "sequences": {o["id"]: o.get("sequence") for o in operations},
        "signs_with_code": page.may("work_order", "sign")
        and (await second_factor.status(page.uow, page.user[0].id)).is_on,
        "confirms_by": await way_to_confirm(page),
        "grave": GRAVE,
        "place": "orders",
    }
    return Shown("orders/order_body.html" if page.wants_fragment("order") else "orders/order.html", values)


@page("POST", "/orders/{key:str}/commands", needs=("POST /work-orders/{id}/release",))
async def command_order(page: Page, key: str) -> Outcome:
    """Carry out a command on the order."""
    command = page.form.get("command", "")
    order = await page.post(f"/work-orders/{key}/{command}", given(reason=page.form.get("reason", "").strip()))
    return _back(page, key, page.text("The order is now: %(state)s.") % {"state": _state(page, order)})


@page("POST", "/orders/{key:str}/operations/{operation:str}/commands", needs=("POST /operations/{id}/start",))
async def command_operation(page: Page, key: str, operation: str) -> Outcome:
    """Carry out a command on an operation of the order."""
    command = page.form.get("command", "")
    members = given(**{n: page.form.get(n, "").strip() for n in ("reason", "operator", "work_center")})
    done = await page.post(f"/operations/{operation}/{command}", members)
    return _back(page, key, page.text("The operation is now: %(state)s.") % {"state": _state(page, done)})


@page("POST", "/orders/{key:str}/operations/{operation:str}/reports", needs=("POST /operations/{id}/reports",))
async def report(page: Page, key: str, operation: str) -> Outcome:
    """Report time and quantity of an operation."""
    typed = page.form
    body = given(
        kind=typed.get("kind", "run"),
        **{n: typed.get(n, "").strip() for n in ("good", "scrap", "scrap_reason", "operator", "work_center")},
        started_at=instant(typed.get("started_at", ""), page.zone, "/started_at"),
        ended_at=instant(typed.get("ended_at", ""), page.zone, "/ended_at"),
    )
    await page.post(f"/operations/{operation}/reports", body)
    return _back(page, key, page.text("Reported."))


@page("POST", "/orders/{key:str}/operations/{operation:str}/inspections", needs=("POST /inspections",))
async def inspect(page: Page, key: str, operation: str) -> Outcome:
    """Record the result of inspecting an operation."""
    body = given(subject=operation, result=page.form.get("result", ""), note=page.form.get("note", "").strip())
    await page.post("/inspections", body)
    return _back(page, key, page.text("The inspection is recorded."))


@page("POST", "/orders/{key:str}/receipts", needs=("POST /work-orders/{id}/receipts",))
async def receive(page: Page, key: str) -> Outcome:
    """Book finished goods in."""
    body = given(**{n: page.form.get(n, "").strip() for n in ("quantity", "lot", "location")})
    await page.post(f"/work-orders/{key}/receipts", body)
    return _back(page, key, page.text("The goods are booked in."))


@page("POST", "/orders/{key:str}/attachments/{attachment:str}/remove", needs=("POST /attachments/{id}/remove",))
async def remove_attachment(page: Page, key: str, attachment: str) -> Outcome:
    """Take a file away."""
    await page.post(f"/attachments/{attachment}/remove", given(reason=page.form.get("reason", "").strip()))
    return _back(page, key, page.text("The file is removed."))


async def _files(page: Page, key: str) -> list[JSON]:
    """The files as they are now, newest first."""
    if not page.sees("attachment", "id"):
        return []
    found: list[JSON] = (await page.get(f"/work-orders/{key}/attachments", {"state": "current", "limit": "200"}))[
        "data"
    ]
    return found


def _order_commands(page: Page, order: JSON, operations: list[JSON]) -> list[str]:
    started = any(o.get("started_at") for o in operations)
    known = allowed_commands(ORDER_TRANSITIONS, order.get("state", ""), started=started)
    return [c for c in known if page.may("work_order", c)]


def _operation_commands(page: Page, order: JSON, operation: JSON) -> list[str]:
    if order.get("state") not in ("released", "running"):
        return []
    state = operation.get("state", "")
    started = bool(operation.get("started_at"))
    known = allowed_commands(OPERATION_TRANSITIONS, state, started=started)
    if operation.get("materials") and not operation.get("kitted"):
        known.append("kit")
    if state == "completed":
        known.append("rework")
    elif state in ("pending", "waiting", "ready", "running", "suspended"):
        known.append("assign")
    return [c for c in known if page.may("operation", c)]


def _is_reportable(page: Page, order: JSON, operation: JSON) -> bool:
    is_open = order.get("state") in ("released", "running")
    return is_open and operation.get("state") in _REPORTABLE and page.may("operation", "report")


def _is_inspectable(page: Page, operation: JSON) -> bool:
    is_due = operation.get("inspection_required") and not operation.get("inspection_passed")
    return bool(is_due) and operation.get("state") == "completed" and page.may("operation", "inspect")


def _is_sendable(page: Page, order: JSON, operation: JSON) -> bool:
    """Whether a partner could be asked to do it."""
    is_open = order.get("state") in ("draft", "released", "running") and not order.get("export_controlled")
    is_ours = operation.get("state") in ("pending", "waiting", "ready") and not operation.get("contract_id")
    return is_open and is_ours and page.has("POST /market/requests") and page.may("market_request", "create")


def _next_step(commands: list[str], operations: list[JSON]) -> str:
    """The command to show first; completing only where no operation is open."""
    first = commands[0] if commands and commands[0] in _PROMINENT else ""
    is_open = any(o.get("state") not in OPERATION_ENDED for o in operations)
    return "" if first == "complete" and is_open else first


def _ordered(commands: list[str]) -> list[str]:
    return sorted(commands, key=lambda c: (c in GRAVE, c not in _PROMINENT, c))


def _stages(order: Mapping[str, object]) -> list[JSON]:
    """Each stage with whether it is passed, present, to come, or was not needed."""
    present = order.get("stage")
    if present not in STAGES:
        return []
    stamps = {s["stage"]: s for s in order.get("stages") or ()}  # type: ignore[attr-defined]  # JSON
    at = STAGES.index(str(present))
    shown = []
    for i, stage in enumerate(STAGES):
        stamp = stamps.get(stage, {})
        status = "passed" if i < at or stage == present == "done" else "present" if i == at else "ahead"
        if i < at and stamp.get("status") == "not_required":
            status = "not_required"
        shown.append({"stage": stage, "status": status, "entered_at": stamp.get("entered_at")})
    return shown


def _state(page: Page, row: JSON) -> str:
    return page.text(word(row.get("state", "–")))


def _back(page: Page, key: str, text: str, *, is_error: bool = False) -> SeeOther:
    return SeeOther(page.form.get("back") or f"/console/orders/{key}", Notice(text, is_error=is_error))


PAGES = (show_order, command_order, command_operation, report, inspect, receive, remove_attachment)
