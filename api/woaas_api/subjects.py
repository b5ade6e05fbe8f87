"""The resources by name and by prefix: what `me` tells of, and whose mask opens the changes of an audit entry."""

from collections.abc import Mapping

from woaas_billing.resources import INVOICE, LEDGER, PERIOD, PLAN, SETTLEMENT, SPEND_LIMIT, USAGE_EVENT
from woaas_capacity_market.resources import BOARD, CONTRACT, LISTING, NDA, QUOTE, REQUEST
from woaas_security.audit.resources import (
    AUDIT_ARCHIVE,
    AUDIT_ENTRY,
    AUDIT_EXPORT,
    AUDIT_RETENTION,
    AUDIT_SOURCE,
    EVENT,
    EXTERNAL_ENTRY,
)
from woaas_security.authz.resource import Resource
from woaas_security.data_exports.resources import DATA_EXPORT
from woaas_security.exports.resources import EXPORT
from woaas_security.identity.resources import API_KEY, MEMBER
from woaas_security.oauth.resources import OAUTH_CLIENT
from woaas_security.permissions.resources import FIELD_POLICY, GRANT, ROLE
from woaas_security.sso.resources import SSO_CONNECTION
from woaas_security.tenant_deletion.resources import TENANT_DELETION
from woaas_solver_farm.figures.pilots import PILOT
from woaas_solver_farm.learning.resources import DURATION_MODEL
from woaas_solver_farm.policies import POLICY
from woaas_solver_farm.proposals.resources import PROPOSAL, PROPOSAL_CHANGE
from woaas_solver_farm.scenarios import SCENARIO
from woaas_solver_farm.schedules.resources import SCHEDULE, SCHEDULE_RUN, SLOT
from woaas_work_orders.alerts.resources import ALERT
from woaas_work_orders.attachments.resources import ATTACHMENT, ATTACHMENT_CLASS
from woaas_work_orders.connectors.resources import CONNECTOR
from woaas_work_orders.erasure.resources import ERASURE, LEGAL_HOLD
from woaas_work_orders.execution.resources import INSPECTION, KPI, RECEIPT, REPORT
from woaas_work_orders.forecasts.resources import FORECAST, FORECAST_BUCKET
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.promises.resources import PROMISE
from woaas_work_orders.resources.kinds import KINDS
from woaas_work_orders.signatures.resources import SIGNATURE
from woaas_work_orders.webhooks.resources import WEBHOOK_DELIVERY, WEBHOOK_ENDPOINT

SUBJECTS: Mapping[str, Resource] = {
    r.prefix: r
    for r in (
        *(WORK_ORDER, OPERATION, REPORT, INSPECTION, RECEIPT, SIGNATURE, ATTACHMENT),
        *(k.resource for k in KINDS),
        *(SCHEDULE_RUN, SCHEDULE, SLOT, DURATION_MODEL, PROPOSAL, POLICY.resource, SCENARIO.resource, PROMISE),
        *(FORECAST, FORECAST_BUCKET, PILOT.resource, ALERT),
        *(CONNECTOR, WEBHOOK_ENDPOINT, WEBHOOK_DELIVERY),
        *(LISTING, REQUEST, NDA, QUOTE, CONTRACT),
        *(PERIOD, INVOICE, SETTLEMENT, SPEND_LIMIT),
        *(ERASURE, LEGAL_HOLD, AUDIT_SOURCE, EXTERNAL_ENTRY, AUDIT_RETENTION, AUDIT_ARCHIVE),
        *(API_KEY, OAUTH_CLIENT, SSO_CONNECTION, MEMBER, ROLE, FIELD_POLICY, GRANT),
        *(DATA_EXPORT, EXPORT, TENANT_DELETION),
    )
}
RESOURCES = (
    *(WORK_ORDER, OPERATION, REPORT, INSPECTION, RECEIPT, SIGNATURE, ATTACHMENT, ATTACHMENT_CLASS),
    *(k.resource for k in KINDS),
    *(
        SCHEDULE_RUN,
        SCHEDULE,
        SLOT,
        DURATION_MODEL,
        PROPOSAL,
        PROPOSAL_CHANGE,
        POLICY.resource,
        SCENARIO.resource,
        PROMISE,
    ),
    *(FORECAST, FORECAST_BUCKET, PILOT.resource, ALERT),
    *(CONNECTOR, WEBHOOK_ENDPOINT, WEBHOOK_DELIVERY),
    *(LISTING, REQUEST, BOARD, NDA, QUOTE, CONTRACT),
    *(PLAN, PERIOD, USAGE_EVENT, INVOICE, SETTLEMENT, SPEND_LIMIT),
    *(ERASURE, LEGAL_HOLD, AUDIT_SOURCE, EXTERNAL_ENTRY, AUDIT_RETENTION, AUDIT_ARCHIVE),
    *(EVENT, AUDIT_ENTRY, AUDIT_EXPORT, DATA_EXPORT, EXPORT, TENANT_DELETION),
    *(API_KEY, OAUTH_CLIENT, SSO_CONNECTION, MEMBER, ROLE, FIELD_POLICY, GRANT),
    *(KPI, LEDGER),
)
"""What permissions are told about."""
REGISTRY: Mapping[str, Resource] = {r.name: r for r in RESOURCES}
"""The same by name: what policies may be about."""
