"""Which resource an id's prefix belongs to: whose mask opens the changes of an audit entry."""

from collections.abc import Mapping

from woaas_billing.resources import INVOICE, PERIOD, SETTLEMENT, SPEND_LIMIT
from woaas_capacity_market.resources import CONTRACT, LISTING, NDA, QUOTE, REQUEST
from woaas_security.authz.resource import Resource
from woaas_security.identity.resources import API_KEY, MEMBER
from woaas_solver_farm.schedules.resources import SCHEDULE, SCHEDULE_RUN
from woaas_work_orders.execution.resources import INSPECTION, RECEIPT, REPORT
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.resources.kinds import KINDS

SUBJECTS: Mapping[str, Resource] = {
    r.prefix: r
    for r in (
        *(WORK_ORDER, OPERATION, REPORT, INSPECTION, RECEIPT),
        *(k.resource for k in KINDS),
        *(SCHEDULE_RUN, SCHEDULE),
        *(LISTING, REQUEST, NDA, QUOTE, CONTRACT),
        *(PERIOD, INVOICE, SETTLEMENT, SPEND_LIMIT),
        *(API_KEY, MEMBER),
    )
}
