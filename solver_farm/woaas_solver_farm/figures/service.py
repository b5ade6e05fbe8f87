"""Key figures as they are asked for: which, over which window, split by what, compared with which window."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from woaas_solver_farm.figures import rows
from woaas_solver_farm.figures.splitting import split_figures
from woaas_work_orders.execution import kpis
from woaas_work_orders.execution.figures import key_figures
from woaas_work_orders.execution.kpis import beside, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from woaas_core.db.unit_of_work import UnitOfWork

By = Literal["work_center", "policy_version", "duration_model_version"]
SPLITS: tuple[By, ...] = ("work_center", "policy_version", "duration_model_version")
NAMES = (*kpis.NAMES, "response_time")


class Window(NamedTuple):
    """A half-open stretch of time."""

    since: datetime
    until: datetime


async def figures(
    uow: "UnitOfWork",
    names: "Sequence[str]",
    window: Window,
    *,
    by: By | None = None,
    compared: Window | None = None,
    work_centers: "Sequence[str] | None" = None,
) -> list[dict[str, Any]]:
    """The named figures over a window, beside those over another one where it is given.

    ``response_time`` is the mean of minutes from an exception to the plan proposed for it, by proposals made in the
    window; like ``on_time`` it is of the whole tenant, whatever work center the others are split by.
    """
    lines = await _over(uow, names, window, by, work_centers)
    return lines if compared is None else beside(lines, await _over(uow, names, compared, by, work_centers))


async def _over(
    uow: "UnitOfWork", names: "Sequence[str]", window: Window, by: By | None, work_centers: "Sequence[str] | None"
) -> list[dict[str, Any]]:
    reported = [name for name in names if name in kpis.NAMES]
    if by is None or by == "work_center":
        by_center = by is not None
        found = await key_figures(uow, reported, *window, by_work_center=by_center, work_centers=work_centers)
    else:
        found = await split_figures(uow, reported, *window, by)
    if "response_time" in names:
        row = await rows.responses(uow, *window)
        found.append(ratio("response_time", row["minutes"], row["proposals"]))
    return found
