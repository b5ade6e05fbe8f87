"""Pilots: a part of the plant tried for a time against the window before it and targets, and their report."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.errors import Forbidden
from woaas_core.wire import Body, Code, DecimalText, Instant, Name, Text, invalid, utc
from woaas_security.principal import Principal
from woaas_solver_farm.figures.service import Window, figures
from woaas_work_orders.execution import kpis
from woaas_work_orders.execution.figures import BEGIN, END
from woaas_work_orders.execution.resources import KPI
from woaas_work_orders.resources import repository, service
from woaas_work_orders.resources.kinds import Record, master_kind

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

Figure = Literal[
    "yield", "first_pass_yield", "setup_share", "breakdown_share", "availability", "effectiveness", "oee",
    "utilisation", "on_time",
]  # fmt: skip
assert set(Figure.__args__) == set(kpis.NAMES)  # type: ignore[attr-defined]  # what a scope can be asked for


class PilotWindow(Body, kw_only=True):
    """A half-open window of time."""

    starts_at: Instant
    ends_at: Instant


class PilotTarget(Body, kw_only=True):
    """What a figure should reach, or not exceed; as a share, 0.74 for 74 %."""

    name: Figure
    at_least: DecimalText | UnsetType = UNSET
    at_most: DecimalText | UnsetType = UNSET


class Pilot(Record, kw_only=True):
    """A line, or some work centers, tried for a time against the window before."""

    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    line: Code | UnsetType = UNSET
    work_centers: Annotated[list[Code], msgspec.Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    starts_at: Instant
    ends_at: Instant
    baseline: PilotWindow
    targets: Annotated[list[PilotTarget], msgspec.Meta(max_length=20)] = []


def _check(_: str, pilot: Pilot) -> None:
    if (pilot.line is UNSET) == (pilot.work_centers is UNSET):
        raise invalid("/line", "invalid", "Name a line or its work centers, not both.")
    for part, at in ((pilot, ""), (pilot.baseline, "/baseline")):
        starts, ends = utc(part.starts_at, f"{at}/starts_at"), utc(part.ends_at, f"{at}/ends_at")
        assert starts is not None
        assert ends is not None
        part.starts_at, part.ends_at = starts, ends
        if not BEGIN <= starts < END or ends > END:
            raise invalid(f"{at}/starts_at", "invalid", f"From {BEGIN.year} to {END.year}.")
        if ends <= starts:
            raise invalid(f"{at}/ends_at", "invalid", "The end lies after the start.")
    named = [target.name for target in pilot.targets]
    for i, target in enumerate(pilot.targets):
        if target.at_least is UNSET and target.at_most is UNSET:
            raise invalid(f"/targets/{i}/at_least", "invalid", "Say what the figure is at least, or at most.")
        if target.name in named[:i]:
            raise invalid(f"/targets/{i}/name", "invalid", f"{target.name!r} is there twice.")


PILOT = master_kind("pilots", "pilot", "plt", Pilot, check=_check)
_TOLD = {"line", "work_centers", "starts_at", "ends_at", "baseline", "targets"}


async def report(uow: "UnitOfWork", principal: Principal, key: str) -> dict[str, Any]:
    """The key figures of a pilot's part of the plant in its window, beside those of its baseline and its targets.

    While it runs the window ends now. A line is the work centers that are of it at present.

    Raises:
        NotFound: there is no such pilot.
    """
    principal.require(KPI, "read")
    row = await service.find(uow, principal, PILOT, key)
    if not principal.access(PILOT.resource).readable >= _TOLD:
        msg = "A report says what the pilot says, and your role does not show all of that."
        raise Forbidden(msg)
    pilot = msgspec.convert({n: v for n, v in row["body"].items() if v is not None}, Pilot)
    codes = await _work_centers(uow, pilot)
    until = min(pilot.ends_at, max(uow.clock.now(), pilot.starts_at))
    window = Window(pilot.starts_at, until)
    baseline = Window(pilot.baseline.starts_at, pilot.baseline.ends_at)
    lines = await figures(uow, kpis.NAMES, window, compared=baseline, work_centers=codes)
    targets = {target.name: target for target in pilot.targets}
    data = [line | _judged(line, targets.get(line["name"])) for line in lines]
    met = [line["met"] for line in data if "met" in line]
    return {
        "pilot": row["code"],
        "line": None if pilot.line is UNSET else pilot.line,
        "work_centers": codes,
        "window": _shown(window),
        "compared_window": _shown(baseline),
        "data": data,
        "targets": len(met),
        "targets_met": met.count(True),
    }


async def _work_centers(uow: "UnitOfWork", pilot: Pilot) -> list[str]:
    if not isinstance(pilot.work_centers, UnsetType):
        return sorted(set(pilot.work_centers))
    return [r["code"] for r in await repository.in_use(uow, "work_center") if r["body"].get("line") == pilot.line]


def _judged(line: dict[str, Any], target: PilotTarget | None) -> dict[str, Any]:
    """The target of a figure and whether it is met; null while there is nothing to judge."""
    if target is None:
        return {}
    least, most = (None if t is UNSET else t for t in (target.at_least, target.at_most))
    met = None if line["value"] is None else _lies_within(Decimal(line["value"]), (least, most))
    return {"target": {"at_least": least, "at_most": most}, "met": met}


def _lies_within(value: Decimal, bounds: "Sequence[Any]") -> bool:
    least, most = bounds
    return (least is None or value >= Decimal(least)) and (most is None or value <= Decimal(most))


def _shown(window: Window) -> dict[str, datetime]:
    return {"from": window.since, "to": window.until}
