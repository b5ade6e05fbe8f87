"""The lists that `/v1/exports` knows: those of the business, with the conditions that their endpoints have.

What is about the tenant itself (people, keys, policies), the log, and what shows more than its rows hold is not among
them.
"""

from sqlalchemy import ColumnElement, Table, select

from woaas_billing.resources import USAGE_EVENT
from woaas_capacity_market.resources import LISTING, REQUEST
from woaas_security.authz.resource import Resource
from woaas_security.exports.lists import Conditions, ExportedList, ExportedLists
from woaas_security.principal import Principal
from woaas_solver_farm.figures.pilots import PILOT
from woaas_solver_farm.learning.resources import DURATION_MODEL
from woaas_solver_farm.proposals.resources import PROPOSAL
from woaas_solver_farm.scenarios import SCENARIO
from woaas_solver_farm.schedules import repository as schedules
from woaas_solver_farm.schedules.resources import SCHEDULE, SCHEDULE_RUN
from woaas_work_orders.alerts.resources import ALERT
from woaas_work_orders.connectors.resources import CONNECTOR
from woaas_work_orders.execution.models import receipts, reports
from woaas_work_orders.execution.resources import INSPECTION, RECEIPT, REPORT
from woaas_work_orders.forecasts.resources import FORECAST
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.resources.kinds import KINDS


def _below(table: Table, parent: Resource, column: str) -> Conditions:
    """The rows whose parent the caller may see, as where they are listed under it one by one."""

    def where(principal: Principal) -> list[ColumnElement[bool]]:
        principal.require(parent, "read")
        scope = parent.row_scope(principal)
        if scope is None:
            return []
        own = parent.table
        same = (own.c.tenant_id == table.c.tenant_id) & (own.c.id == table.c[column])
        return [select(own.c.id).where(same, scope).correlate(table).exists()]

    return where


EXPORTED = ExportedLists(
    (
        ExportedList("work_orders", WORK_ORDER),
        ExportedList("operations", OPERATION),
        ExportedList("reports", REPORT, _below(reports, OPERATION, "operation_id")),
        ExportedList("inspections", INSPECTION),
        ExportedList("receipts", RECEIPT, _below(receipts, WORK_ORDER, "work_order_id")),
        *(ExportedList(kind.path.replace("-", "_"), kind.resource) for kind in (*KINDS, SCENARIO, PILOT)),
        ExportedList("schedule_runs", SCHEDULE_RUN, lambda _: [schedules.plans_only()], {"plan_kind": "plan"}),
        ExportedList("schedules", SCHEDULE),
        ExportedList("proposals", PROPOSAL),
        ExportedList("duration_models", DURATION_MODEL),
        ExportedList("forecasts", FORECAST),
        ExportedList("alerts", ALERT),
        ExportedList("connectors", CONNECTOR),
        ExportedList("listings", LISTING),
        ExportedList("market_requests", REQUEST),
        ExportedList("usage_events", USAGE_EVENT),
    )
)
