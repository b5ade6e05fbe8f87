"""`woaas work-orders`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from .config import client
from .output import AsJSON, Limit, note, print_json, say, show, show_many

if TYPE_CHECKING:
    from woaas.types.work_orders import Command, NewWorkOrder

app = App(name="work-orders", help="List, create, import and move work orders.")

COLUMNS = ("number", "state", "stage", "product", "quantity", "priority", "due_at", "title")
FIELDS = ("id", *COLUMNS, "customer", "plan_status", "external_ref", "created_at")


@app.command(name="list")
def list_(
    *,
    state: list[str] | None = None,
    customer: str | None = None,
    due_before: str | None = None,
    search: str | None = None,
    sort: str | None = None,
    limit: Limit = 50,
    as_json: AsJSON = False,
) -> None:
    """Work orders, fifty unless told otherwise.

    Parameters
    ----------
    state
        Only these states; may be given more than once.
    customer
        Only of this customer's code.
    due_before
        Only due before this time, as 2026-12-01T10:00:00Z.
    search
        Only with these words.
    sort
        A field, with a minus for the greatest first: -due_at.
    """
    with client() as woaas:
        page = woaas.work_orders.list(
            state=state, customer=customer, due_at__lt=due_before, q=search, sort=sort, limit=min(limit, 200)
        )
        show_many(list(islice(page, limit)), COLUMNS, as_json=as_json)


@app.command
def create(
    product: str,
    quantity: str,
    *,
    due_at: str | None = None,
    customer: str | None = None,
    priority: int | None = None,
    title: str | None = None,
    external_ref: str | None = None,
    release: bool = False,
    as_json: AsJSON = False,
) -> None:
    """A new work order.

    Parameters
    ----------
    product
        The code of what is made.
    quantity
        How much of it.
    due_at
        When it is due, as 2026-12-01T10:00:00Z.
    customer
        The customer's code.
    priority
        1 (rush) to 5.
    external_ref
        Your own reference: the same again makes no second order.
    release
        Release it at once.
    """
    order: NewWorkOrder = {"product": product, "quantity": quantity}
    if due_at is not None:
        order["due_at"] = due_at
    if customer is not None:
        order["customer"] = customer
    if priority is not None:
        order["priority"] = priority
    if title is not None:
        order["title"] = title
    if external_ref is not None:
        order["external_ref"] = external_ref
    if release:
        order["release"] = True
    with client() as woaas:
        show(woaas.work_orders.create(**order), FIELDS, as_json=as_json)


@app.command
def get(id: str, *, as_json: AsJSON = False) -> None:
    """One work order and its operations.

    Parameters
    ----------
    id
        Its id or number.
    """
    with client() as woaas:
        order = woaas.work_orders.get(id)
    show(order, FIELDS, as_json=as_json)
    if not as_json and order.operations:
        say("")
        show_many(order.operations, ("sequence", "id", "name", "state", "work_centers", "good", "scrap"), as_json=False)


@app.command
def release(id: str, *, reason: str | None = None, as_json: AsJSON = False) -> None:
    """Give it to the shop floor."""
    with client() as woaas:
        show(woaas.work_orders.release(id, **_command(reason)), FIELDS, as_json=as_json)


@app.command
def hold(id: str, *, reason: str | None = None, as_json: AsJSON = False) -> None:
    """Stop all work on it."""
    with client() as woaas:
        show(woaas.work_orders.hold(id, **_command(reason)), FIELDS, as_json=as_json)


@app.command
def resume(id: str, *, reason: str | None = None, as_json: AsJSON = False) -> None:
    """Go on with a held one."""
    with client() as woaas:
        show(woaas.work_orders.resume(id, **_command(reason)), FIELDS, as_json=as_json)


@app.command
def complete(id: str, *, reason: str | None = None, as_json: AsJSON = False) -> None:
    """All work on it is done."""
    with client() as woaas:
        show(woaas.work_orders.complete(id, **_command(reason)), FIELDS, as_json=as_json)


@app.command
def cancel(id: str, *, reason: str | None = None, as_json: AsJSON = False) -> None:
    """End one nobody has started."""
    with client() as woaas:
        show(woaas.work_orders.cancel(id, **_command(reason)), FIELDS, as_json=as_json)


@app.command(name="import")
def import_(file: Path, *, release: bool = False, as_json: AsJSON = False) -> int:
    """Work orders from a CSV file with a header of field names; product and quantity are needed.

    A column `custom_fields.mould_no` fills that custom field. With an external_ref column the same file can be
    imported again: what is there already is not made twice.

    Parameters
    ----------
    file
        The CSV file.
    release
        Release them at once.
    """
    from .order_csv import import_orders

    with client() as woaas:
        result = import_orders(woaas, file, release=release)
    if as_json:
        print_json(result.to_dict())
    else:
        say(f"{result.created} created, {result.known} there already, {len(result.refused)} refused")
        for line, reason in result.refused:
            note(f"line {line}: {reason}")
    return 1 if result.refused else 0


def _command(reason: str | None) -> Command:
    return {} if reason is None else {"reason": reason}
