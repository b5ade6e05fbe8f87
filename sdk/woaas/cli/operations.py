"""`woaas operations`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from cyclopts import App

from .config import client
from .output import AsJSON, show

if TYPE_CHECKING:
    from woaas.types.work_orders import OperationCommand, ReportFields

app = App(name="operations", help="Start, complete and report on operations.")

FIELDS = ("id", "work_order_id", "sequence", "name", "state", "work_center", "operator", "good", "scrap", "rework")


@app.command
def get(id: str, *, as_json: AsJSON = False) -> None:
    """One operation."""
    with client() as woaas:
        show(woaas.operations.get(id), FIELDS, as_json=as_json)


@app.command
def start(id: str, *, operator: str | None = None, work_center: str | None = None, as_json: AsJSON = False) -> None:
    """Begin.

    Parameters
    ----------
    operator
        Who does it, where it is not assigned yet.
    work_center
        Where it is done, where it is not assigned yet.
    """
    command: OperationCommand = {}
    if operator is not None:
        command["operator"] = operator
    if work_center is not None:
        command["work_center"] = work_center
    with client() as woaas:
        show(woaas.operations.start(id, **command), FIELDS, as_json=as_json)


@app.command
def pause(id: str, *, as_json: AsJSON = False) -> None:
    """Stop for now."""
    with client() as woaas:
        show(woaas.operations.pause(id), FIELDS, as_json=as_json)


@app.command
def resume(id: str, *, as_json: AsJSON = False) -> None:
    """Go on."""
    with client() as woaas:
        show(woaas.operations.resume(id), FIELDS, as_json=as_json)


@app.command
def complete(id: str, *, as_json: AsJSON = False) -> None:
    """This step is done."""
    with client() as woaas:
        show(woaas.operations.complete(id), FIELDS, as_json=as_json)


@app.command
def report(
    id: str,
    *,
    kind: Literal["run", "setup", "breakdown"] = "run",
    good: str | None = None,
    scrap: str | None = None,
    rework: str | None = None,
    scrap_reason: str | None = None,
    operator: str | None = None,
    work_center: str | None = None,
    started_at: str | None = None,
    ended_at: str | None = None,
    external_ref: str | None = None,
    as_json: AsJSON = False,
) -> None:
    """Say what was done.

    Parameters
    ----------
    kind
        run, setup or breakdown.
    good
        How many were good.
    scrap
        How many were scrapped.
    rework
        How many are to be done again.
    started_at
        When it began, as 2026-12-01T10:00:00Z; any past time.
    ended_at
        When it ended.
    external_ref
        Your own reference: the same again counts once.
    """
    fields: ReportFields = {"kind": kind}
    if good is not None:
        fields["good"] = good
    if scrap is not None:
        fields["scrap"] = scrap
    if rework is not None:
        fields["rework"] = rework
    if scrap_reason is not None:
        fields["scrap_reason"] = scrap_reason
    if operator is not None:
        fields["operator"] = operator
    if work_center is not None:
        fields["work_center"] = work_center
    if started_at is not None:
        fields["started_at"] = started_at
    if ended_at is not None:
        fields["ended_at"] = ended_at
    if external_ref is not None:
        fields["external_ref"] = external_ref
    with client() as woaas:
        shown = ("id", "operation_id", "kind", "good", "scrap", "rework", "operator", "recorded_at")
        show(woaas.operations.report(id, **fields), shown, as_json=as_json)
