"""What the worker does about duration models: queue a training when there is news, carry one out."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from woaas_security.principal import Principal
from woaas_solver_farm.learning import events, repository, service, training
from woaas_solver_farm.learning.comparison import Errors, Taken, errors
from woaas_solver_farm.learning.estimates import Durations

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

# Fewer closed operations teach nothing that a standard time does not say better.
MIN_OPERATIONS = 50
RETRAIN_AFTER = timedelta(days=1)
NEWS = 25


async def queue_due(uow: "UnitOfWork", _principal: Principal) -> int:
    """Queue a training a day after the last one, if enough operations have been closed since."""
    last = await repository.newest(uow)
    now = uow.clock.now()
    if last is not None and last["created_at"] > now - RETRAIN_AFTER:
        return 0
    needed = NEWS if last is not None else MIN_OPERATIONS
    since = last["created_at"] if last is not None else now - service.HISTORY
    if await repository.closed_since(uow, since) < needed:
        return 0
    model = await repository.in_force(uow)
    quantile, history = (model["quantile"], model["history"]) if model else (service.QUANTILE, service.HISTORY)
    await service.enqueue(uow, quantile=quantile, history=history, promote=True)
    return 1


async def train_queued(uow: "UnitOfWork", _principal: Principal) -> int:
    """Carry out the training that waits: learn from the earlier part, compare on the latest, promote what is better."""
    row = await repository.queued(uow, take=True)
    if row is None:
        return 0
    since = uow.clock.now() - row["history"]
    found = await training.extent(uow, since)
    if found.operations < MIN_OPERATIONS or found.cut_at is None or found.cut_at == found.first_at:
        error = f"{found.operations} closed operations with reports; it takes {MIN_OPERATIONS}, not all at one time."
        ended = await repository.end(uow, row["id"], status="failed", state="untrained", error=error)
        service.record(uow, events.MODEL_FAILED, ended, before=row, operations=found.operations)
        return 1
    quantile = row["quantile"]
    operations, cells = await training.train(uow, row["id"], since=since, until=found.cut_at, quantile=quantile)
    held = await training.holdout(uow, since=since, until=found.cut_at)
    current = await repository.in_force(uow, lock=True)
    compared = await _compare(uow, row, current, held)
    is_better = _is_better(compared)
    ended = await repository.end(
        uow,
        row["id"],
        status="finished",
        state="candidate" if is_better else "rejected",
        trained_from=found.first_at,
        trained_until=found.cut_at,
        operations=operations,
        holdout_operations=len(held),
        cells=cells,
        errors=compared,
    )
    service.record(uow, events.MODEL_TRAINED, ended, before=row, operations=operations, holdout_operations=len(held))
    if not is_better:
        await repository.forget_estimates(uow, row["id"])
    elif row["promote"]:
        await service.put_in_force(uow, ended, current, events.MODEL_PROMOTED)
    return 1


async def _compare(uow: "UnitOfWork", row: "Record", current: "Record | None", held: Sequence[Taken]) -> dict[str, Any]:
    """Errors on the same hold-out: the new model's, those of the one in force, and those of the standard times."""
    quantile = row["quantile"]
    standard = (Durations(), Durations())

    async def measure(durations: tuple[Durations, Durations]) -> dict[str, float | None]:
        return _rounded(await asyncio.to_thread(errors, held, *durations, quantile))

    found: dict[str, Any] = {
        "candidate": await measure(await training.learned(uow, row["id"])),
        "standard": await measure(standard),
        "in_force": None,
    }
    if current is not None:
        rival = await measure(await training.learned(uow, current["id"]))
        found["in_force"] = {"model_version": current["model_version"], **rival}
    return found


def _is_better(compared: dict[str, Any]) -> bool:
    rivals = [compared[who]["pinball"] for who in ("standard", "in_force") if compared[who] is not None]
    own = compared["candidate"]["pinball"]
    return own is not None and all(own < rival for rival in rivals)


def _rounded(found: Errors) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 6) for name, value in found._asdict().items()}
