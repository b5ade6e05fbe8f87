"""How orders and operations are shown, and which rows guests see."""

from sqlalchemy import ColumnElement, Table, Text, Uuid, and_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from woaas_security.authz.resource import Field, Resource, members_of
from woaas_work_orders.orders.inputs import (
    NewOperation,
    NewWorkOrder,
    OperationCommandBody,
    OperationPatch,
    WorkOrderPatch,
)
from woaas_work_orders.orders.lifecycle import OPERATION_COMMANDS, ORDER_COMMANDS, OrderState
from woaas_work_orders.orders.models import operations, work_orders

_W = work_orders.c
_PARTICIPANT = bindparam("scope_participant", type_=Text)
_OPERATOR = bindparam("scope_operator", type_=Text)
_NOBODY_NAMED = func.cardinality(_W.participants) == 0
# Who takes part in an order does so until it is over for good; its steward stays.
_OVER = [OrderState.CLOSED.value, OrderState.CANCELLED.value, OrderState.ABORTED.value]
_TAKES_PART = and_(
    _W.participants.any_() == _PARTICIPANT, _W.state != bindparam("states_over", _OVER, type_=ARRAY(Text)).all_()
)
OF_CUSTOMER: ColumnElement[bool] = _W.customer == bindparam("principal_customer", type_=Text)
_OF_OPERATOR = (
    select(operations.c.id)
    .where(operations.c.tenant_id == _W.tenant_id, operations.c.work_order_id == _W.id)
    .where(operations.c.operator == _OPERATOR)
    .exists()
)
ORDER_BOUNDS: dict[str, ColumnElement[bool]] = {
    "sites": _W.site == bindparam("scope_sites", type_=ARRAY(Text)).any_(),
    "lines": _W.line == bindparam("scope_lines", type_=ARRAY(Text)).any_(),
    "work_orders": _W.id == bindparam("scope_work_orders", type_=ARRAY(Uuid)).any_(),
    "participant": or_(_TAKES_PART, _W.steward == _PARTICIPANT),
    "operator": _OF_OPERATOR,
}


def rows_of_orders(table: Table, order: ColumnElement[bool]) -> ColumnElement[bool]:
    """The rows of a table whose orders are of this kind."""
    same = and_(_W.tenant_id == table.c.tenant_id, _W.id == table.c.work_order_id)
    return select(_W.id).where(same, order).correlate(table).exists()


def bounds_of_rows(table: Table, operator: ColumnElement[str] | None = None) -> dict[str, ColumnElement[bool]]:
    """The bounds of what hangs on orders; ``operator`` is the column of who does it, where the table has one."""
    found = {name: rows_of_orders(table, order) for name, order in ORDER_BOUNDS.items()}
    return found if operator is None else found | {"operator": operator == _OPERATOR}


WORK_ORDER = Resource(
    "work_order",
    "wo",
    work_orders,
    (
        Field("id", "id", prefix="wo"),
        Field("number", filterable=True, searched=True),
        Field("state", filterable=True),
        Field("stage", filterable=True),
        Field("plan_status", filterable=True),
        Field("type", filterable=True),
        Field("template", filterable=True),
        # An order entered without one is titled with its product.
        Field("title", filterable=True, searched=True, tells_of="product"),
        Field("product", filterable=True, searched=True),
        Field("quantity", "decimal", filterable=True),
        Field("unit"),
        Field("priority", "integer", filterable=True),
        Field("due_at", "instant", filterable=True),
        Field("earliest_start_at", "instant", filterable=True),
        Field("promised_at", "instant", filterable=True),
        Field("promise_id", "id", prefix="prm"),
        Field("customer", filterable=True, searched=True),
        Field("external_ref", filterable=True, searched=True),
        Field("custom_fields", "json", filterable=True, is_open=True),
        Field("site", filterable=True),
        Field("line", filterable=True),
        Field("steward", filterable=True),
        Field("participants", "texts", filterable=True),
        Field("data_class", filterable=True),
        Field("export_controlled", "boolean", filterable=True),
        Field("asset", filterable=True),
        Field("serial_number", filterable=True, searched=True),
        Field("rework_of", "id", prefix="wo"),
        Field("stages", "json"),
        Field("released_at", "instant", filterable=True),
        Field("started_at", "instant", filterable=True),
        Field("completed_at", "instant", filterable=True),
        Field("closed_at", "instant", filterable=True),
        Field("created_at", "instant", filterable=True),
        Field("updated_at", "instant", filterable=True, tells_of_all=True),
        Field("version", "integer", tells_of_all=True),
    ),
    actions=ORDER_COMMANDS | {"create", "release", "receive", "sign"},
    writes=members_of(NewWorkOrder, WorkOrderPatch),
    data_class=work_orders.c.data_class,
    is_indexed=True,
    scopes={"customer": lambda _: OF_CUSTOMER},
    bounds=ORDER_BOUNDS,
)

OPERATION = Resource(
    "operation",
    "op",
    operations,
    (
        Field("id", "id", prefix="op"),
        Field("work_order_id", "id", prefix="wo"),
        Field("sequence", "integer", filterable=True),
        Field("name", filterable=True, searched=True),
        Field("state", filterable=True),
        Field("plan_status", filterable=True),
        Field("work_centers", "texts", filterable=True),
        Field("work_center", filterable=True),
        Field("operator", filterable=True),
        Field("setup_time", "duration"),
        Field("unit_time", "duration"),
        Field("setup_group", filterable=True),
        Field("skills", "texts", filterable=True),
        Field("setup_skills", "texts"),
        Field("tool", filterable=True),
        Field("materials", "json"),
        Field("kitted", "boolean"),
        Field("predecessors", "json"),
        Field("inspection_required", "boolean"),
        Field("inspection_passed", "boolean"),
        Field("sourcing", filterable=True),
        Field("external_state", filterable=True),
        Field("contract_id", "id", prefix="ctr"),
        Field("custom_fields", "json", filterable=True, is_open=True),
        Field("rework_of", "id", prefix="op"),
        Field("good", "decimal"),
        Field("scrap", "decimal"),
        Field("rework", "decimal"),
        Field("planned_work_center", filterable=True),
        Field("planned_start_at", "instant", filterable=True),
        Field("planned_end_at", "instant", filterable=True),
        Field("started_at", "instant", filterable=True),
        Field("ended_at", "instant", filterable=True),
        Field("created_at", "instant"),
        Field("updated_at", "instant", tells_of_all=True),
        Field("version", "integer", tells_of_all=True),
    ),
    actions=OPERATION_COMMANDS | {"create", "assign", "kit", "rework", "report", "inspect", "sign"},
    writes=members_of(NewOperation, OperationPatch, OperationCommandBody),
    data_class=operations.c.data_class,
    is_indexed=True,
    scopes={
        "customer": lambda _: rows_of_orders(operations, OF_CUSTOMER),
        # A guest of role partner sees what may go out; never what is made inside or must not leave the country. Where
        # an order names who takes part, it is those partners' alone.
        "partner": lambda _: and_(
            operations.c.sourcing != bindparam("made_inside", "make", type_=Text),
            operations.c.export_controlled.is_(False),
            rows_of_orders(operations, or_(and_(_PARTICIPANT.is_(None), _NOBODY_NAMED), _TAKES_PART)),
        ),
    },
    bounds=bounds_of_rows(operations, operations.c.operator),
)
