"""Key figures."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from woaas_api.answers import Answer
from woaas_api.edge import Call
from woaas_api.endpoint import Query, route
from woaas_api.queries import read_instant
from woaas_api.rest.schemas.work_orders import Kpis
from woaas_billing.figures import NAMES, key_figures
from woaas_core.errors import UnknownParameter
from woaas_solver_farm.figures import service
from woaas_solver_farm.figures.service import SPLITS, By, Window
from woaas_work_orders.execution.figures import BEGIN, END
from woaas_work_orders.execution.resources import KPI

_PARAMETERS = {"names", "from", "to", "by", "compare_from", "compare_to"}


@route(
    "GET",
    "/kpis",
    tag="Figures",
    query=(
        Query("names", "Figures, separated by commas; all but `roi` if left out"),
        Query("from", "Start of the window"),
        Query("to", "End of the window, not part of it"),
        Query("by", "`work_center`, `policy_version` or `duration_model_version` for one line each"),
        Query("compare_from", "Start of another window to compare with"),
        Query("compare_to", "End of that window, not part of it"),
    ),
)
async def get_kpis(call: Call) -> Answer[Kpis]:
    """Read key figures over the half-open window from..to, beside those of another window where one is named.

    `names=oee,availability,effectiveness,utilisation,yield,first_pass_yield,setup_share,breakdown_share,on_time`,
    `response_time` (mean minutes from an exception to the plan proposed for it), `roi` (what set-up time saved since
    the compared window is worth, less what was charged, over what was charged). `by=work_center`, or by the version of
    what planned the work: `by=policy_version`, `by=duration_model_version`; what no plan foresaw is `unplanned`.
    Quantities and shares count in the window a report ended in; busy time is what lies in the window. Planned time is
    the working time of the work centers' calendars.
    """
    call.principal.require(KPI, "read")
    asked = dict(call.request.query_params.multi_items())
    names = asked.get("names", ",".join(service.NAMES)).split(",")
    unknown = sorted(set(asked) - _PARAMETERS) + [n for n in names if n not in NAMES]
    by = asked.get("by")
    if unknown or by not in (None, *SPLITS):
        msg = f"There is no {[*unknown, by][0]!r} here; names are {', '.join(NAMES)}; by is one of {', '.join(SPLITS)}."
        raise UnknownParameter(msg)
    window = _within(read_instant(asked.get("from")) or BEGIN, read_instant(asked.get("to")) or END)
    compared = _compared(asked)
    data = await key_figures(call.uow, call.principal, names, window, by=cast("By | None", by), compared=compared)
    shown: dict[str, object] = {"window": {"from": window.since, "to": window.until}, "data": data}
    if compared is not None:
        shown["compared_window"] = {"from": compared.since, "to": compared.until}
    return Answer(shown)


def _compared(asked: Mapping[str, str]) -> Window | None:
    since, until = read_instant(asked.get("compare_from")), read_instant(asked.get("compare_to"))
    if since is None and until is None:
        return None
    if since is None or until is None:
        msg = "A window to compare with has both ends: compare_from and compare_to."
        raise UnknownParameter(msg)
    return _within(since, until)


def _within(since: datetime, until: datetime) -> Window:
    """The window as far as calendars go; one that ends before it begins is empty."""
    since = min(max(since, BEGIN), END)
    return Window(since, min(max(until, since), END))


ROUTES = (get_kpis,)
