"""Pilots: what is tried on a part of the plant, and whether it reaches its targets."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from woaas_api.answers import Answer
from woaas_api.edge import Call
from woaas_api.endpoint import Route, route
from woaas_api.rest.master_data import master_routes
from woaas_api.rest.schemas.work_orders import KpiView
from woaas_solver_farm.figures.pilots import PILOT, report

TAG = "Figures"


class PilotTargetView(Struct, kw_only=True):
    """What a figure should reach or not exceed."""

    at_least: str | None
    at_most: str | None


class PilotFigure(KpiView, kw_only=True):
    """A figure of the pilot; `met` is null while nothing was counted."""

    target: PilotTargetView | UnsetType = UNSET
    met: bool | None | UnsetType = UNSET


class PilotReport(Struct, kw_only=True):
    """The figures of the pilot's part of the plant in its window beside its baseline."""

    pilot: str
    line: str | None
    work_centers: list[str]
    window: dict[str, datetime]
    compared_window: dict[str, datetime]
    data: list[PilotFigure]
    targets: int
    targets_met: int


@route("GET", "/pilots/{code}/report", tag=TAG)
async def get_pilot_report(call: Call, code: str) -> Answer[PilotReport]:
    """Read how a pilot does: key figures of its work centers beside its baseline window, and which targets are met.

    While it runs the window ends now. Orders count as on time for it if one of their operations was done there.
    """
    return Answer(await report(call.uow, call.principal, code))


ROUTES: tuple[Route, ...] = (*master_routes(PILOT, tag=TAG), get_pilot_report)
