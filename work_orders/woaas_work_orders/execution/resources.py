"""How reports are shown."""

from sqlalchemy import ColumnElement, Table, select

from woaas_security.authz.resource import Field, Resource, members_of
from woaas_work_orders.execution.inputs import NewInspection, NewReceipt, NewReport
from woaas_work_orders.execution.models import inspections, receipts, reports
from woaas_work_orders.orders.models import work_orders
from woaas_work_orders.orders.resources import OF_CUSTOMER, bounds_of_rows, rows_of_orders


def class_of_order(table: Table) -> ColumnElement[str]:
    """The data class of the order that a row belongs to: rows are appended only, the order's class may change."""
    same = (work_orders.c.tenant_id == table.c.tenant_id) & (work_orders.c.id == table.c.work_order_id)
    return select(work_orders.c.data_class).where(same).scalar_subquery()


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
        Field("connector", filterable=True),
        Field("corrects", "id", prefix="rep"),
        Field("recorded_at", "instant", filterable=True),
    ),
    actions=frozenset({"correct"}),
    writes=members_of(NewReport),
    scopes={"customer": lambda _: rows_of_orders(reports, OF_CUSTOMER)},
    bounds=bounds_of_rows(reports, reports.c.operator),
    data_class=class_of_order(reports),
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
    writes=members_of(NewInspection),
    scopes={"customer": lambda _: rows_of_orders(inspections, OF_CUSTOMER)},
    bounds=bounds_of_rows(inspections),
    data_class=class_of_order(inspections),
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
    writes=members_of(NewReceipt),
    scopes={"customer": lambda _: rows_of_orders(receipts, OF_CUSTOMER)},
    bounds=bounds_of_rows(receipts),
    data_class=class_of_order(receipts),
)

KPI = Resource("kpi", "rep", reports, (Field("value", "decimal"),))
