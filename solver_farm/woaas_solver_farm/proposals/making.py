"""A plan that answers delays or a breakdown becomes a proposal; publishing any plan ends the open ones.

Both happen in the transaction of what they follow from: the plan's end, and its publication.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from woaas_core.ids import encode_id, uuid7
from woaas_solver_farm.proposals import events, repository
from woaas_solver_farm.schedules import repository as schedules

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

# An announcement names the first of a person's operations; the proposal has them all.
_NAMED = 50
_TIMES = ("old_start_at", "old_end_at", "new_start_at", "new_end_at")


async def propose(uow: "UnitOfWork", run_id: UUID, schedule_id: UUID) -> None:
    """Make a proposal of a schedule that a replan led to, and announce it to every person whose work would move."""
    request = await repository.replan_of(uow, run_id)
    baseline = await schedules.published(uow) if request is not None else None
    if request is None or baseline is None:
        return
    now = uow.clock.now()
    exception_at = min((_at(cause, request["created_at"]) for cause in request["causes"]), default=now)
    values: dict[str, Any] = {
        "id": uuid7(),
        "state": "open",
        "run_id": run_id,
        "schedule_id": schedule_id,
        "schedule_version": 1,
        "baseline_schedule_id": baseline["id"],
        "causes": request["causes"],
        "exception_at": exception_at,
        "response_time": max(now - exception_at, now - now),
        "reason": None,
        "decided_by": None,
        "decided_at": None,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    await repository.insert(uow, values)
    changes = await repository.compare(uow, values["id"], baseline_id=baseline["id"], schedule_id=schedule_id)
    uow.record(
        events.PROPOSAL_MADE,
        subject=encode_id("prp", values["id"]),
        version=(None, 1),
        data={
            "schedule_id": encode_id("sch", schedule_id),
            "baseline_schedule_id": encode_id("sch", baseline["id"]),
            "operations": len(changes),
            "causes": request["causes"],
            "response_seconds": round(values["response_time"].total_seconds()),
        },
    )
    for person, moved in _by_person(changes).items():
        _announce(uow, values["id"], person, moved)


async def settle(uow: "UnitOfWork", schedule_id: UUID, schedule_version: int) -> None:
    """A schedule is published: its own proposal is accepted, or edited if it was changed; the others expire."""
    for row in await repository.settle(uow, schedule_id, schedule_version):
        record_end(uow, row)


def record_end(uow: "UnitOfWork", row: "Record") -> None:
    """Note what became of a proposal."""
    uow.record(
        events.PROPOSAL_ENDED[row["state"]],
        subject=encode_id("prp", row["id"]),
        version=(row["version"] - 1, row["version"]),
        data={"schedule_id": encode_id("sch", row["schedule_id"]), "state": row["state"]},
    )


def _at(cause: dict[str, str], otherwise: datetime) -> datetime:
    return msgspec.convert(cause["at"], datetime) if "at" in cause else otherwise


def _by_person(changes: "Sequence[Record]") -> "dict[str, list[Record]]":
    found: dict[str, list[Record]] = {}
    for change in changes:
        for person in {change["old_operator"], change["new_operator"]} - {None}:
            found.setdefault(person, []).append(change)
    return dict(sorted(found.items()))


def _announce(uow: "UnitOfWork", proposal_id: UUID, person: str, moved: "Sequence[Record]") -> None:
    """One event a person. Who it is, not everybody may read, so it goes into the entry's changes."""
    uow.record(
        events.PROPOSAL_ANNOUNCED,
        subject=encode_id("prp", proposal_id),
        data={
            "link": f"/v1/proposals/{encode_id('prp', proposal_id)}",
            "operations": [_times(change, person) for change in moved[:_NAMED]],
            "total": len(moved),
        },
        changes={"operator": person},
    )


def _times(change: "Record", person: str) -> dict[str, object]:
    """The times as this person had and would have them: what another gives or takes is null on that side."""
    own = {side: change[f"{side}_operator"] == person for side in ("old", "new")}
    times = {name: change[name] if own[name[:3]] else None for name in _TIMES}
    return {"operation_id": encode_id("op", change["operation_id"]), **times}
