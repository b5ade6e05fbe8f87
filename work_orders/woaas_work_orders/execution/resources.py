"""How reports are shown."""

from woaas_security.authz.resource import Field, Resource
from woaas_work_orders.execution.models import inspections, receipts, reports

REPORT = Resource(
    "report",
    "rep",
    reports,
    (
        Field("id", "id", prefix="rep"),
        Field("operation_id", "id", prefix="op"),
        Field("work_order_id", "id", prefix="wo"),
        Field("kind", filterable=True),
        Field("good", "decimal", filterable=True),
        Field("scrap", "decimal", filterable=True),
        Field("rework", "decimal", filterable=True),
        Field("scrap_reason", filterable=True),
        Field("operator", filterable=True),
        Field("work_center", filterable=True),
        Field("started_at", "instant", filterable=True),
        Field("ended_at", "instant", filterable=True),
        Field("consumed", "json"),
        Field("produced", "json"),
        Field("external_ref", filterable=True),
        Field("corrects", "id", prefix="rep"),
        Field("recorded_at", "instant", filterable=True),
    ),
    actions=frozenset({"correct"}),
)

INSPECTION = Resource(
    "inspection",
    "ins",
    inspections,
    (
        Field("id", "id", prefix="ins"),
        Field("subject", "id", column="operation_id", prefix="op"),
        Field("work_order_id", "id", prefix="wo"),
        Field("result", column="passed", render=lambda passed: "pass" if passed else "fail"),
        Field("note"),
        Field("recorded_at", "instant", filterable=True),
    ),
)

RECEIPT = Resource(
    "receipt",
    "rcp",
    receipts,
    (
        Field("id", "id", prefix="rcp"),
        Field("work_order_id", "id", prefix="wo"),
        Field("quantity", "decimal"),
        Field("lot", filterable=True),
        Field("location", filterable=True),
        Field("recorded_at", "instant", filterable=True),
    ),
)
