"""Readings taken in: the last value of each tag, states of work centers, reports of operations, each exactly once."""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_core.db.refusals import FORESEEN, as_domain_error
from woaas_core.db.statements import Row
from woaas_core.errors import Conflict, DomainError, Invalid, InvalidTransition, NotFound
from woaas_core.ids import encode_id, try_decode_id
from woaas_security.principal import Principal
from woaas_work_orders.connectors import events, machine_states, repository
from woaas_work_orders.connectors.inputs import MachineState
from woaas_work_orders.connectors.machine_states import Verdict
from woaas_work_orders.connectors.readings import (
    COUNTERS,
    Reading,
    Silence,
    counted,
    counter_report,
    kept,
    report_of,
    state_of,
)
from woaas_work_orders.connectors.service import silent_after
from woaas_work_orders.execution import repository as reports
from woaas_work_orders.execution import service as execution
from woaas_work_orders.execution.inputs import NewReport

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

Connector = Row
# More than are ever sent again: what was not acknowledged when the process ended.
_LEFT_OUT_KEPT = 200


@dataclass
class Tally:
    """What came of readings; ``error`` is the last one."""

    applied: int = 0
    withheld: int = 0
    failed: int = 0
    error: str | None = None

    def fail(self, where: str, error: DomainError) -> None:
        """Note what could not be used."""
        self.failed += 1
        told = error.errors[0] if error.errors else None
        self.error = f"{where}: {told.pointer + ' ' + told.detail if told else error.detail}"[:500]


class Intake:
    """Takes readings of one connector in within one transaction; a reading that fails leaves the others alone."""

    def __init__(self, uow: "UnitOfWork", principal: Principal, connector: Connector) -> None:
        self._uow = uow
        self._principal = principal
        self._connector = connector
        self._known: dict[str, Row] = {}
        self._fresh: dict[str, dict[str, Any]] = {}
        self._heard: set[str] = set()
        self.tally = Tally()

    async def take(self, told: Sequence[Reading | Silence]) -> None:
        """Take in what messages tell, in their order."""
        await self._recall(told)
        for one in told:
            if isinstance(one, Silence):
                self._heard.discard(one.work_center)
                await self._tried(one.work_center, self._claim(one.work_center, "stale"))
                continue
            name, before = one.tag["tag"], self._fresh.get(one.tag["tag"])
            error = await self._tried(name, self._read(one))
            if error is not None:
                # What the reading had already noted was taken back with it.
                self._fresh.pop(name, None)
                if before is not None:
                    self._fresh[name] = before
                self._fresh[name] = self._row(one, error=error.detail[:500])
            if one.tag["work_center"] is not None and not (one.is_historical or one.is_retained):
                self._heard.add(one.tag["work_center"])

    async def close(self, *, received: int) -> None:
        """Bring back who was silent, keep the last values and add to the connector's counts."""
        for center in await repository.stale_among(self._uow, sorted(self._heard)):
            await self._tried(center, self._claim(center, self._last_state(center)))
        tally, connector_id = self.tally, self._connector["id"]
        if self._fresh:
            await repository.put_tags(self._uow, connector_id, self._fresh.values())
        await repository.count(
            self._uow,
            connector_id,
            received=received,
            applied=tally.applied,
            withheld=tally.withheld,
            failed=tally.failed,
            error=tally.error,
        )

    async def _recall(self, told: Iterable[Reading | Silence]) -> None:
        """Read what was last heard of the tags that are spoken of, and of their work centers' states."""
        spoken = [one.tag for one in told if isinstance(one, Reading)]
        centers = {tag["work_center"] for tag in spoken}
        states = [t for t in self._connector["tags"] if t["means"] == "state" and t["work_center"] in centers]
        names = sorted({tag["tag"] for tag in (*spoken, *states)})
        self._known.update(await repository.tags(self._uow, self._connector["id"], names))

    async def _tried(self, where: str, work: Awaitable[bool | None]) -> DomainError | None:
        try:
            async with self._uow.savepoint():
                done = await work
        except FORESEEN as error:
            # Nothing that a machine says may stop the messages behind it.
            refused = as_domain_error(error)
            self.tally.fail(where, refused)
            return refused
        self.tally.applied += done is True
        self.tally.withheld += done is False
        return None

    async def _claim(self, work_center: str, state: MachineState) -> bool | None:
        verdict = await machine_states.claim(self._uow, self._connector, work_center, state)
        return {Verdict.WRITTEN: True, Verdict.WITHHELD: False}.get(verdict)

    def _last_state(self, work_center: str) -> MachineState:
        """What a machine last said of itself; that it speaks at all says that it is up where it says no state."""
        for tag in self._connector["tags"]:
            known = self._fresh.get(tag["tag"]) or self._known.get(tag["tag"])
            if tag["means"] == "state" and tag["work_center"] == work_center and known is not None:
                with suppress(Invalid):
                    return state_of(known["value"], tag["states"])
        return "up"

    async def _read(self, reading: Reading) -> bool | None:
        """True: something changed; False: it was withheld; None: it says nothing new."""
        means, known = reading.tag["means"], self._last(reading)
        if reading.is_retained and known is not None and kept(reading.value) == known["value"]:
            return None
        if means in COUNTERS:
            return await self._count(reading)
        self._fresh[reading.tag["tag"]] = self._row(reading)
        if means == "state" and not reading.is_historical:
            state = state_of(reading.value, reading.tag["states"])
            return await self._claim(reading.tag["work_center"], state)
        if means == "report":
            return await self._report(reading)
        return None

    async def _count(self, reading: Reading) -> bool | None:
        known = self._last(reading) or {"counter": None, "counted_at": None}
        step = counted(reading.value, reading.measured_at, known["counter"], known["counted_at"])
        row = self._row(reading)
        if step.since is None or (reading.measured_at is not None and reading.measured_at > step.since):
            row |= {"counter": step.value, "counted_at": reading.measured_at}
        self._fresh[reading.tag["tag"]] = row
        if not step.made:
            return None
        assert reading.measured_at is not None
        ref = f"@{int(reading.measured_at.timestamp() * 1000)}"
        return await self._book(counter_report(reading, step), None, ref, reading)

    async def _report(self, reading: Reading) -> bool | None:
        body, operation, ref = report_of(reading)
        if ref in self._row(reading)["left_out"]:
            return None
        done = await self._book(body, operation, ref, reading)
        if done is False:
            row = self._fresh[reading.tag["tag"]]
            row["left_out"] = [*row["left_out"], ref][-_LEFT_OUT_KEPT:]
        return done

    async def _book(self, body: NewReport, operation: str | None, ref: str, reading: Reading) -> bool | None:
        """Report it on the operation it names, or on the one that runs there; never guess among several."""
        body.external_ref = f"machine:{self._connector['code']}:{reading.tag['tag']}:{ref}"
        known = await reports.by_external_ref(self._uow, body.external_ref)
        if known is not None:
            _check_same(known, body)
            return None
        operation_id = await self._running_at(body) if operation is None else try_decode_id("op", operation)
        if operation_id is None:
            self._left_out(events.REPORT_UNASSIGNED, body, None)
            return False
        since, until = body.started_at, body.ended_at
        if isinstance(since, datetime) and isinstance(until, datetime):
            by = await repository.reported_by_people(self._uow, operation_id, body.kind, since, until)
            if by is not None:
                self._left_out(events.REPORT_WITHHELD, body, operation_id, report_id=encode_id("rep", by))
                return False
        told = {"connector": self._connector["code"], "is_historical": reading.is_historical}
        try:
            await execution.report(self._uow, self._principal, operation_id, body, **told)
        except (InvalidTransition, NotFound) as error:
            # Refused before anything was written. What was made stays made: it must not come to the next operation.
            self._left_out(events.REPORT_UNASSIGNED, body, operation_id, reason=error.detail)
            return False
        return True

    async def _running_at(self, body: NewReport) -> UUID | None:
        running = await repository.running_at(self._uow, str(body.work_center))
        return running[0] if len(running) == 1 else None

    def _left_out(self, kind: Any, body: NewReport, operation_id: UUID | None, **more: str) -> None:
        told = {n: v for n in COUNTERS if isinstance(v := getattr(body, n), str)}
        named = {} if operation_id is None else {"operation_id": encode_id("op", operation_id)}
        self._uow.record(
            kind,
            subject=encode_id("con", self._connector["id"]),
            data={"code": self._connector["code"], "work_center": body.work_center, "kind": body.kind, **told}
            | {"ref": body.external_ref, **named, **more},
        )

    def _last(self, reading: Reading) -> Row | None:
        name = reading.tag["tag"]
        return self._fresh.get(name) or self._known.get(name)

    def _row(self, reading: Reading, *, error: str | None = None) -> dict[str, Any]:
        known = self._last(reading)
        fresh = {
            "value": kept(reading.value),
            "measured_at": reading.measured_at,
            "seen_at": known["seen_at"] if reading.is_retained and known is not None else self._uow.clock.now(),
        }
        # What fills in the past is not the last that was heard.
        last: Row = known if reading.is_historical and known is not None else fresh
        return {
            "tag": reading.tag["tag"],
            **{name: last[name] for name in fresh},
            "counter": known["counter"] if known is not None else None,
            "counted_at": known["counted_at"] if known is not None else None,
            "left_out": known["left_out"] if known is not None else [],
            "error": error,
        }


async def mark_silent(uow: "UnitOfWork", connector: Connector) -> int:
    """Let the work centers go stale that a connector has not heard of for too long; returns how many."""
    longest = silent_after(connector)
    mapped = work_centers_of(connector["tags"])
    if longest is None or not mapped:
        return 0
    marked = 0
    for row in await repository.silent(uow, connector["id"], mapped, longest):
        verdict = await machine_states.claim(uow, connector, row["work_center"], "stale")
        marked += verdict is Verdict.WRITTEN
    return marked


def work_centers_of(tags: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Tags with the work centers they are about."""
    return [(tag["tag"], tag["work_center"]) for tag in tags if tag["work_center"] is not None]


def _check_same(known: Any, body: NewReport) -> None:
    told = {name: Decimal(value) for name in COUNTERS if isinstance(value := getattr(body, name), str)}
    if body.kind != known["kind"] or any(known[name] != value for name, value in told.items()):
        msg = f"The report {body.external_ref!r} is there with other values; give each report its own id."
        raise Conflict(msg)
