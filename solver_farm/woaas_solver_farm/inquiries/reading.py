"""Reading a plan for keeping it in memory."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from woaas_core.durations import parse_duration
from woaas_core.ids import encode_id
from woaas_solver_farm.inquiries import rows
from woaas_solver_farm.objective import PRESETS
from woaas_solver_farm.problem import Limits, Objective
from woaas_solver_farm.schedules import repository
from woaas_solver_farm.schedules.definitions import DEFAULTS
from woaas_solver_farm.schedules.planning import read_snapshot
from woaas_solver_farm.snapshot import PlanRequest, Snapshot
from woaas_work_orders.promises import repository as promises

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_LEAST_LENGTH = timedelta(days=14)
_DELAYS_KNOWN = 200


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction saw; ``cursor`` is where the log went on then."""

    schedule_id: UUID | None
    version: int
    cursor: int
    mark: str
    delays: list[float]
    snapshot: Snapshot
    request: PlanRequest


async def read(uow: "UnitOfWork", schedule_id: UUID | None) -> Reading:
    """Read a schedule with everything it stands on; None is that nothing is published yet."""
    # First of all: what is written meanwhile is seen again among the events, and twice does no harm.
    cursor = await rows.log_size(uow)
    schedule = await repository.get_schedule(uow, schedule_id) if schedule_id else None
    run = await repository.get_run(uow, schedule["run_id"]) if schedule else None
    asked: dict[str, Any] = run["params"] if run else {}
    now = uow.clock.now()
    baseline = encode_id("sch", schedule_id) if schedule_id else None
    params = {"work_orders": None, "baseline_schedule_id": baseline, "scenario": None}
    asked_objective = asked.get("objective")
    return Reading(
        schedule_id=schedule_id,
        version=schedule["version"] if schedule else 0,
        cursor=cursor,
        mark=await promises.mark(uow),
        delays=sorted(await rows.delays(uow, limit=_DELAYS_KNOWN)),
        snapshot=await read_snapshot(uow, {"params": params}),
        request=PlanRequest(
            start_at=now,
            length=max(_LEAST_LENGTH, schedule["end_at"] - now) if schedule else _LEAST_LENGTH,
            frozen=schedule["frozen"] if schedule else parse_duration(DEFAULTS["frozen"]),
            objective=msgspec.convert(asked_objective, Objective) if asked_objective else PRESETS["on_time"],
            limits=Limits(),
        ),
    )
