"""Every module that defines tables, so that migrations see the whole schema."""

from importlib import import_module

from sqlalchemy import MetaData

from woaas_core.db.base import metadata

MODULES = (
    "woaas_billing.models",
    "woaas_capacity_market.models",
    "woaas_core.buckets",
    "woaas_core.idempotency",
    "woaas_solver_farm.learning.models",
    "woaas_solver_farm.proposals.models",
    "woaas_solver_farm.schedules.models",
    "woaas_security.audit.models",
    "woaas_security.data_exports.models",
    "woaas_security.denials.models",
    "woaas_security.exports.models",
    "woaas_work_orders.connectors.models",
    "woaas_work_orders.alerts.models",
    "woaas_work_orders.attachments.models",
    "woaas_work_orders.erasure.models",
    "woaas_work_orders.execution.models",
    "woaas_work_orders.forecasts.models",
    "woaas_work_orders.orders.models",
    "woaas_work_orders.promises.models",
    "woaas_work_orders.resources.models",
    "woaas_work_orders.signatures.models",
    "woaas_work_orders.webhooks.models",
    "woaas_core.events.log",
    "woaas_security.identity.models",
    "woaas_security.oauth.models",
    "woaas_security.sso.models",
    "woaas_security.tenant_deletion.models",
    "woaas_security.tenants.models",
)


def complete_metadata() -> MetaData:
    """The metadata with the tables of every part in it."""
    for module in MODULES:
        import_module(module)
    return metadata
