"""The object types: resources of the parts, with the links between them."""

from woaas_graphql.types.billing import INVOICE_KIND, Invoice, InvoiceLine, Settlement, SpendLimit, UsageEvent
from woaas_graphql.types.links import MONEY, SCHEDULE_KIND
from woaas_graphql.types.log import Actor, AuditEntry, Event, Me
from woaas_graphql.types.market import (
    CONTRACT_KIND,
    LISTING_KIND,
    NDA,
    QUOTE_KIND,
    REQUEST_KIND,
    Contract,
    Listing,
    MarketRequest,
    Quote,
    Teaser,
)
from woaas_graphql.types.master_data import MASTER, PUT_BY_CODE
from woaas_graphql.types.permissions import FieldPolicy, Grant, Role
from woaas_graphql.types.plans import Schedule, ScheduleRun, Slot
from woaas_graphql.types.work import REPORT_KIND, Inspection, Operation, Receipt, Report, Signature, WorkOrder

__all__ = [
    "CONTRACT_KIND",
    "INVOICE_KIND",
    "LISTING_KIND",
    "MASTER",
    "MONEY",
    "NDA",
    "PUT_BY_CODE",
    "QUOTE_KIND",
    "REPORT_KIND",
    "REQUEST_KIND",
    "SCHEDULE_KIND",
    "Actor",
    "AuditEntry",
    "Contract",
    "Event",
    "FieldPolicy",
    "Grant",
    "Inspection",
    "Invoice",
    "InvoiceLine",
    "Listing",
    "MarketRequest",
    "Me",
    "Operation",
    "Quote",
    "Receipt",
    "Report",
    "Role",
    "Schedule",
    "ScheduleRun",
    "Settlement",
    "Signature",
    "Slot",
    "SpendLimit",
    "Teaser",
    "UsageEvent",
    "WorkOrder",
]
