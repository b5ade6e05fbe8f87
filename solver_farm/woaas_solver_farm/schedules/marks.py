"""The entries of what a plan changed on orders and operations."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from woaas_core.ids import encode_id
from woaas_work_orders.orders.events import OPERATION_PLANNED, OPERATION_UPDATED, ORDER_UPDATED

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


_PLACE = ("plan_status", "planned_work_center", "planned_start_at", "planned_end_at")


def record_operations(uow: "UnitOfWork", rows: "Iterable[Record]") -> None:
    """Operations whose place in the plan in force changed."""
    for row in rows:
        uow.record(
            OPERATION_PLANNED,
            subject=encode_id("op", row["id"]),
            work_order_id=row["work_order_id"],
            version=(row["version"] - 1, row["version"]),
            data={
                "sequence": row["sequence"],
                "state": row["state"],
                "plan_status": row["plan_status"],
                "planned_work_center": row["planned_work_center"],
                "planned_start_at": row["planned_start_at"],
                "planned_end_at": row["planned_end_at"],
            },
            changes={n: row[n] for n in _PLACE},
        )


def record_overflow(uow: "UnitOfWork", rows: "Iterable[Record]") -> None:
    """Operations that turned out to have no place."""
    for row in rows:
        uow.record(
            OPERATION_UPDATED,
            subject=encode_id("op", row["id"]),
            work_order_id=row["work_order_id"],
            version=(row["version"] - 1, row["version"]),
            data={"fields": ["plan_status"], "plan_status": row["plan_status"]},
            changes={"plan_status": row["plan_status"]},
        )


def record_orders(uow: "UnitOfWork", rows: "Iterable[Record]") -> None:
    """Orders whose plan status changed."""
    for row in rows:
        uow.record(
            ORDER_UPDATED,
            subject=encode_id("wo", row["id"]),
            work_order_id=row["id"],
            version=(row["version"] - 1, row["version"]),
            data={"number": row["number"], "state": row["state"], "stage": row["stage"],
                  "fields": ["plan_status"], "plan_status": row["plan_status"]},
            changes={"plan_status": row["plan_status"]},
        )  # fmt: skip
