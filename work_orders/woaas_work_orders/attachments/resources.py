"""How attachments are shown, and to whom: who sees the order or operation, and reads the file's class.

The classes are the fields of a resource of their own, so roles, field policies and grants open and close them as they
do any field. A file of a class that is closed to a caller is not there for him.
"""

from typing import TYPE_CHECKING, get_args

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from woaas_security.authz.classes import rows_of_classes
from woaas_security.authz.resource import Field, Resource, RowScope
from woaas_work_orders.attachments.inputs import AccessClass
from woaas_work_orders.attachments.models import attachments
from woaas_work_orders.execution.resources import class_of_order
from woaas_work_orders.orders.models import operations
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER, bounds_of_rows, rows_of_orders

if TYPE_CHECKING:
    from woaas_security.principal import Principal

_A, _P = attachments.c, operations.c
CLASSES: tuple[str, ...] = get_args(AccessClass)

# Guests see the files under what they see, by the rule of all (`_rows`).
_GUESTS: dict[str, RowScope] = {"customer": lambda _: true(), "partner": lambda _: true()}

ATTACHMENT_CLASS = Resource(
    "attachment_class",
    "att",
    attachments,
    tuple(Field(name) for name in CLASSES),
    writes=frozenset(CLASSES),
    scopes=_GUESTS,
    bounds=bounds_of_rows(attachments),
    data_class=class_of_order(attachments),
)
"""A field for each class: who reads it reads the files, who writes it attaches them."""


def _on_orders(principal: "Principal") -> ColumnElement[bool]:
    if not principal.access(WORK_ORDER).sees_anything:
        return false()
    rows = WORK_ORDER.row_scope(principal)
    return (
        _A.operation_id.is_(None)
        if rows is None
        else and_(_A.operation_id.is_(None), rows_of_orders(attachments, rows))
    )


def _on_operations(principal: "Principal") -> ColumnElement[bool]:
    if not principal.access(OPERATION).sees_anything:
        return false()
    rows = OPERATION.row_scope(principal)
    if rows is None:
        return _A.operation_id.is_not(None)
    same = and_(_P.tenant_id == _A.tenant_id, _P.id == _A.operation_id)
    return select(_P.id).where(same, rows).correlate(attachments).exists()


def _is_open(principal: "Principal") -> bool:
    """Whether the caller sees every order and every operation."""
    both = (WORK_ORDER, OPERATION)
    return all(principal.access(r).sees_anything and r.row_scope(principal) is None for r in both)


def _rows(principal: "Principal") -> ColumnElement[bool] | None:
    subjects = None if _is_open(principal) else or_(_on_orders(principal), _on_operations(principal))
    parts = [part for part in (subjects, rows_of_classes(principal, ATTACHMENT)) if part is not None]
    return and_(*parts) if parts else None


ATTACHMENT = Resource(
    "attachment",
    "att",
    attachments,
    (
        Field("id", "id", prefix="att"),
        Field("work_order_id", "id", prefix="wo"),
        Field("operation_id", "id", prefix="op"),
        Field("name", filterable=True, searched=True),
        Field("version", "integer", column="file_version", filterable=True),
        Field("access_class", filterable=True),
        Field("media_type", filterable=True),
        Field("size_bytes", "integer", filterable=True),
        Field("sha256", filterable=True),
        Field("state", filterable=True),
        Field("uploaded_by"),
        Field("created_at", "instant", filterable=True),
        Field("removed_at", "instant", filterable=True),
    ),
    actions=frozenset({"create", "remove"}),
    writes=frozenset({"name", "access_class"}),
    scopes=_GUESTS,
    bounds=bounds_of_rows(attachments),
    data_class=class_of_order(attachments),
    rows=_rows,
    classes=ATTACHMENT_CLASS,
)
