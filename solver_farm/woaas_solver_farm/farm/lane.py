"""The short lane: fast questions, answered in this process from plans in memory, beside the dispatcher.

Woken by a notice the moment a question commits. Rows of the queue are the truth as for every run: claimed under a
lease, ended under the fence; a sweep now and then finds what nobody was told of.
"""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.ids import decode_id, encode_id
from woaas_core.telemetry import logger
from woaas_solver_farm.checker import check
from woaas_solver_farm.farm.tenants import inside
from woaas_solver_farm.inquiries import outcome
from woaas_solver_farm.inquiries.inputs import MoveQuestion, PromiseQuestion, Question
from woaas_solver_farm.inquiries.kept import KeptPlan
from woaas_solver_farm.inquiries.plans import Plans
from woaas_solver_farm.schedules import queue, repository
from woaas_solver_farm.schedules.queue import Claim
from woaas_work_orders.orders.creation import preview
from woaas_work_orders.orders.inputs import NewWorkOrder
from woaas_work_orders.promises import repository as promises

log = logger(__name__)

LEASE_S = 30.0
SWEEP_S = 5.0
_AT_ONCE = 4
_MAX_ATTEMPTS = 3
_NO_ANSWER: dict[str, Any] = {
    "promised_at": None,
    "confidence": None,
    "impacted": [],
    "places": [],
    "quote": None,
    "refusal": None,
}


class Lane:
    """Answers questions; those of one tenant one after another, so that two never get the same capacity."""

    def __init__(self, database: Database) -> None:
        self.plans = Plans(database)
        self._database = database
        self._asked: asyncio.Queue[tuple[UUID, UUID]] = asyncio.Queue()
        self._turns: dict[UUID, asyncio.Lock] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop."""
        listeners = [
            self._database.listener(queue.INQUIRY_ASKED, self._hear),
            self._database.listener(queue.PLAN_PUBLISHED, lambda tenant: self.plans.expect(UUID(tenant))),
        ]
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(self._work(), name=f"lane-{n}") for n in range(_AT_ONCE)]
            while not stop.is_set():
                try:
                    for listener in listeners:
                        await listener.open()
                    await self._sweep()
                except DATABASE_LOST as error:
                    log.warning("inquiry.queue.unreachable", error=str(error))
                try:
                    async with asyncio.timeout(SWEEP_S):
                        await stop.wait()
                except TimeoutError:
                    continue
            for worker in workers:
                worker.cancel()
        for listener in listeners:
            await listener.close()
        await self.plans.close()

    async def run_once(self) -> int:
        """Answer what is asked now; returns how many. For tests."""
        await self._sweep()
        done = 0
        while not self._asked.empty():
            await self._answer(*self._asked.get_nowait())
            done += 1
        return done

    def _hear(self, payload: str) -> None:
        tenant_id, _, run_id = payload.partition(" ")
        self._asked.put_nowait((UUID(tenant_id), UUID(run_id)))

    async def _sweep(self) -> None:
        async with self._database.unit_of_work() as uow:
            for row in await queue.claimable_inquiries(uow, 100):
                self._asked.put_nowait((row["tenant_id"], row["run_id"]))

    async def _work(self) -> None:
        while True:
            tenant_id, run_id = await self._asked.get()
            try:
                await self._answer(tenant_id, run_id)
            except DATABASE_LOST as error:
                # The lease runs out and the question is found again.
                log.warning("inquiry.database.lost", run=str(run_id), error=str(error))

    async def _answer(self, tenant_id: UUID, run_id: UUID) -> None:
        async with self._turns.setdefault(tenant_id, asyncio.Lock()):
            async with inside(self._database, tenant_id) as uow:
                run = await queue.claim_inquiry(uow, run_id, LEASE_S)
            if run is None:
                return
            claim = Claim(tenant_id, run_id, run["fence"])
            question: Question = msgspec.convert(run["params"]["ask"], Question)
            try:
                if run["attempt"] > _MAX_ATTEMPTS:
                    await self._fail(claim, question, "given up after several attempts")
                elif isinstance(question, PromiseQuestion):
                    await self._promise(claim, question)
                else:
                    await self._move(claim, question)
            except DATABASE_LOST:
                raise
            except Exception as error:
                log.exception("inquiry.failed", exc_info=error, run=str(run_id), tenant_id=str(tenant_id))
                await self._fail(claim, question, f"{type(error).__name__}: {error}"[:500])

    # --- promises --------------------------------------------------------------------------------------------------

    async def _promise(self, claim: Claim, question: PromiseQuestion) -> None:
        promise_id = decode_id("prm", question.promise_id)
        kept = await self.plans.current(claim.tenant_id, None)
        async with inside(self._database, claim.tenant_id) as uow:
            promise = await promises.get(uow, promise_id)
            assert promise is not None
            order = await preview(uow, msgspec.convert(promise["work_order"], NewWorkOrder))
            if promise["mode"] == "reserve":
                # From here until it is stored nobody else reserves, so what is free stays free.
                await promises.take_turn(uow)
                if await promises.mark(uow) != kept.mark:
                    await self.plans.sync(uow, kept)
            answer = await asyncio.to_thread(_locked, kept, kept.promise, promise_id, order, uow.clock.now())
            if await outcome.end(uow, claim) is None:
                return
            await outcome.answer_promise(uow, promise, answer)
        if promise["mode"] == "reserve" and not answer["refusal"]:
            async with inside(self._database, claim.tenant_id) as uow:
                await self.plans.sync(uow, kept)

    # --- moves -----------------------------------------------------------------------------------------------------

    async def _move(self, claim: Claim, question: MoveQuestion) -> None:
        schedule_id = decode_id("sch", question.schedule_id)
        kept = await self.plans.current(claim.tenant_id, schedule_id, fresh=not question.dry_run)
        answer = await asyncio.to_thread(_locked, kept, kept.move, question, self._database.clock.now())
        if question.dry_run or not answer["feasible"]:
            async with inside(self._database, claim.tenant_id) as uow:
                await outcome.end(uow, claim, answer=answer)
            return
        # It is changed now; whatever comes of it, it is no longer the plan it was read as.
        self.plans.forget(claim.tenant_id, schedule_id)
        await self._commit(claim, question, kept, answer)

    async def _commit(self, claim: Claim, question: MoveQuestion, kept: KeptPlan, answer: dict[str, Any]) -> None:
        plan = await asyncio.to_thread(kept.whole)
        faults = await asyncio.to_thread(check, plan.problem, plan.result)
        if faults:
            log.warning("inquiry.plan.refused", run=str(claim.run_id), fault=str(faults[0]))
            answer = {"feasible": False, "refusal": "blocked"}
        schedule_id: UUID | None = None
        async with inside(self._database, claim.tenant_id) as uow:
            await repository.take_turn(uow)
            source = await repository.get_schedule(uow, decode_id("sch", question.schedule_id), lock=True)
            assert source is not None
            if source["version"] != question.version:
                answer = {"feasible": False, "refusal": "stale"}
            # The fence first: under an old one nothing is written.
            if not answer["feasible"]:
                await outcome.end(uow, claim, answer=answer)
                return
            if await queue.stop_asked(uow, claim) is None:
                return
            schedule_id = await outcome.propose(uow, claim.run_id, source, plan, question, kept.pinned)
            answer["schedule_id"] = encode_id("sch", schedule_id)
            await outcome.end(uow, claim, answer=answer)
        self.plans.put(claim.tenant_id, schedule_id, kept.become(schedule_id))

    async def _fail(self, claim: Claim, question: Question, error: str) -> None:
        async with inside(self._database, claim.tenant_id) as uow:
            if await outcome.end(uow, claim, error=error) is None:
                return
            if isinstance(question, PromiseQuestion):
                promise = await promises.get(uow, decode_id("prm", question.promise_id))
                assert promise is not None
                await outcome.answer_promise(uow, promise, _NO_ANSWER, error=True)


def _locked(kept: KeptPlan, ask: Any, *arguments: Any) -> dict[str, Any]:
    with kept.lock:
        answer: dict[str, Any] = ask(*arguments)
        return answer
