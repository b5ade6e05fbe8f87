"""Key figures."""

from woaas_api.answers import Answer
from woaas_api.edge import Call
from woaas_api.endpoint import Query, route
from woaas_api.queries import read_instant
from woaas_api.rest.schemas.work_orders import Kpis
from woaas_core.errors import UnknownParameter
from woaas_work_orders.execution import kpis
from woaas_work_orders.execution.figures import BEGIN, END, key_figures
from woaas_work_orders.execution.resources import KPI


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

    `names=oee,availability,effectiveness,utilisation,yield,first_pass_yield,setup_share,breakdown_share,on_time`,
    `by=work_center`. Quantities and shares count in the window a report ended in; busy time is what lies in the window.
    Planned time is the working time of the work centers' calendars.
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
    since, until = read_instant(asked.get("from")) or BEGIN, read_instant(asked.get("to")) or END
    data = await key_figures(call.uow, names, since, until, by_work_center="by" in asked)
    return Answer({"window": {"from": since, "to": until}, "data": data})


ROUTES = (get_kpis,)
