"""Key figures."""

from datetime import UTC, datetime
from typing import Any

from woaas_api.answers import Answer
from woaas_api.edge import Call
from woaas_api.endpoint import Query, route
from woaas_api.queries import read_instant
from woaas_api.rest.schemas.work_orders import Kpis
from woaas_core.errors import UnknownParameter
from woaas_work_orders.execution import kpis, repository
from woaas_work_orders.execution.resources import KPI

_BEGIN, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@route(
    "GET",
    "/kpis",
    tag="Figures",
    query=(
        Query("names", "Figures, separated by commas; all if left out"),
        Query("from", "Start of the window"),
        Query("to", "End of the window, not part of it"),
        Query("by", "`work_center` for one line each"),
    ),
)
async def get_kpis(call: Call) -> Answer[Kpis]:
    """Read key figures over the half-open window from..to.

    `names=yield,setup_share,breakdown_share,on_time`, `by=work_center`; a report counts in the window it ended in.
    """
    call.principal.require(KPI, "read")
    asked = dict(call.request.query_params.multi_items())
    unknown = sorted(set(asked) - {"names", "from", "to", "by"})
    names = asked.get("names", ",".join(kpis.NAMES)).split(",")
    unknown += [n for n in names if n not in kpis.NAMES]
    if unknown or asked.get("by", "work_center") != "work_center":
        wrong = [*unknown, asked.get("by", "")][0]
        msg = f"There is no {wrong!r} here; names are {', '.join(kpis.NAMES)}."
        raise UnknownParameter(msg)
    since, until = read_instant(asked.get("from")) or _BEGIN, read_instant(asked.get("to")) or _END
    sums = await repository.sums(call.uow, since, until)
    data: list[dict[str, Any]] = []
    for name in names:
        if name == "on_time":
            row = await repository.on_time(call.uow, since, until)
            data.append(kpis.ratio(name, row["on_time"], row["completed"]))
        else:
            data += kpis.kpi(name, sums, by_work_center="by" in asked)
    return Answer({"window": {"from": since, "to": until}, "data": data})


ROUTES = (get_kpis,)
