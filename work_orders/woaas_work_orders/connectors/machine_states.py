"""What machines say of work centers beside what people say: a person's word stands until that person takes it back."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from woaas_core.db.statements import Row
from woaas_core.errors import Conflict, Invalid
from woaas_core.ids import encode_id
from woaas_work_orders.connectors import events, repository
from woaas_work_orders.connectors.inputs import MachineState
from woaas_work_orders.resources import repository as master_data
from woaas_work_orders.resources.kinds import BY_NAME

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_WORK_CENTER = BY_NAME["work_center"]
# What a person says of a machine that the machine itself cannot know better.
_CLOSED = ("down", "maintenance")
_TRIES = 5


class Verdict(StrEnum):
    """What becomes of a machine's claim."""

    REPEATED = "repeated"
    AGREED = "agreed"
    WITHHELD = "withheld"
    WRITTEN = "written"


def judge(current: str, claim: MachineState, known: Row | None) -> Verdict:
    """What becomes of a claim about a work center in state ``current``. Pure.

    Only a claim that differs from the machine's last one is news. What differs from the state that was last written
    for a machine was set by a person; that a person has closed a work center, no machine undoes. Silence tells nothing
    new of a work center that is closed.
    """
    if known is not None and known["claimed"] == claim:
        return Verdict.REPEATED
    if current == claim or (claim == "stale" and current in _CLOSED):
        return Verdict.AGREED
    is_persons = known is None or known["written"] != current
    return Verdict.WITHHELD if is_persons and current in _CLOSED else Verdict.WRITTEN


async def claim(uow: "UnitOfWork", connector: Row, work_center: str, state: MachineState) -> Verdict:
    """Let a machine say its state; the work center changes, or an event says why not.

    Raises:
        Invalid: there is no such work center.
        Conflict: it is changed by others all the time.
    """
    known = await repository.machine(uow, work_center)
    if known is not None and known["claimed"] == state:
        return Verdict.REPEATED
    for _ in range(_TRIES):
        center = await master_data.find(uow, _WORK_CENTER.name, work_center)
        if center is None or center["archived_at"] is not None:
            msg = f"There is no work center {work_center!r}."
            raise Invalid(msg)
        verdict = judge(center["body"].get("state") or "up", state, known)
        if verdict is Verdict.WITHHELD:
            return await _withhold(uow, connector, center, state, known)
        if verdict is not Verdict.WRITTEN or await _write(uow, connector, center, state):
            written = {"written": state} if verdict is Verdict.WRITTEN else {}
            await _remember(uow, connector, work_center, known, claimed=state, withheld=None, **written)
            return verdict
    msg = f"The work center {work_center!r} is changed by others at this moment."
    raise Conflict(msg)


async def _withhold(uow: "UnitOfWork", connector: Row, center: Any, state: MachineState, known: Row | None) -> Verdict:
    if known is not None and known["withheld"] == state:
        return Verdict.REPEATED
    await _remember(uow, connector, center["code"], known, withheld=state)
    told = {"code": center["code"], "state": center["body"]["state"], "claimed": state, "connector": connector["code"]}
    told |= {"fields": ["state"]}  # It is about nothing else: who does not read the state hears nothing of it.
    uow.record(events.STATE_WITHHELD, subject=encode_id(_WORK_CENTER.resource.prefix, center["id"]), data=told)
    return Verdict.WITHHELD


async def _write(uow: "UnitOfWork", connector: Row, center: Any, state: MachineState) -> bool:
    """Write a work center's state, as a person's PUT would; False if somebody else was faster."""
    row = await master_data.replace(uow, center, body={**center["body"], "state": state}, archived_at=None)
    if row is None:
        return False
    uow.record(
        _WORK_CENTER.changed,
        subject=encode_id(_WORK_CENTER.resource.prefix, row["id"]),
        version=(center["version"], row["version"]),
        data={"code": row["code"], "connector": connector["code"]},
        changes={"state": state},
    )
    return True


async def _remember(
    uow: "UnitOfWork",
    connector: Row,
    work_center: str,
    known: Row | None,
    **news: str | None,
) -> None:
    before = {name: known[name] if known is not None else None for name in ("claimed", "written", "withheld")}
    await repository.put_machine(
        uow,
        {**before, **news, "work_center": work_center, "connector_id": connector["id"], "claimed_at": uow.clock.now()},
    )
