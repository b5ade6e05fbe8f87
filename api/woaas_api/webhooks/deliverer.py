"""Sends deliveries: claimed and masked in a transaction, posted outside of any, settled in another.

Several processes may do it at once; each claims what it sends at once and no more. What one was killed with is due
again when its lease ends, under the same id. A slow receiver or tenant holds up nobody else: each has a share of the
room, and one to which nothing gets through has room for a single try.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx2

from woaas_api.webhooks.message import Message, rendered
from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.errors import SSRFBlocked
from woaas_core.events.feed import cloud_event
from woaas_core.ids import encode_id
from woaas_core.telemetry import logger
from woaas_security.audit import store
from woaas_security.audit.masking import fed_event
from woaas_security.authz.resource import Resource
from woaas_security.identity.service import Authenticator
from woaas_security.principal import Principal
from woaas_work_orders.webhooks import outcomes, queue
from woaas_work_orders.webhooks.outcomes import Outcome
from woaas_work_orders.webhooks.owner import present_owner

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

log = logger(__name__)
NAME = "webhooks"
MOST = 100
PER_TENANT = 16
PER_ENDPOINT = 4
_ERRORS: tuple[tuple[type[Exception], str], ...] = (
    (SSRFBlocked, "ssrf_blocked"),
    (TimeoutError, "timeout"),
    (httpx2.TimeoutException, "timeout"),
    (httpx2.ConnectError, "unreachable"),
    (httpx2.HTTPError, "broken_off"),
    (httpx2.InvalidURL, "ssrf_blocked"),
)


class Deliverer:
    """Delivers for every tenant; ``client`` must judge the addresses it calls."""

    def __init__(
        self,
        database: Database,
        authenticator: Authenticator,
        client: httpx2.AsyncClient,
        subjects: Mapping[str, Resource],
    ) -> None:
        self._database = database
        self._authenticator = authenticator
        self._client = client
        self._subjects = subjects
        self._by_endpoint: Counter[UUID] = Counter()
        self._by_tenant: Counter[UUID] = Counter()
        self._under_way: set[asyncio.Task[None]] = set()
        self.room = asyncio.Event()
        """Set whenever a try has ended."""

    async def start_due(self, tasks: asyncio.TaskGroup) -> int:
        """Begin to send what is due, as far as there is room; returns how much was taken, withheld or begun."""
        taken = 0
        async with self._database.unit_of_work() as uow:
            tenants: list[UUID] = [row[0] for row in await uow.all(queue.TENANTS, now=uow.clock.now())]
        # Who has the least under way comes first.
        for tenant_id in sorted(tenants, key=lambda tenant: self._by_tenant[tenant]):
            most = min(PER_TENANT - self._by_tenant[tenant_id], MOST - self._by_tenant.total())
            if most <= 0:
                continue
            try:
                n, messages = await self._take(tenant_id, most)
            except DATABASE_LOST:
                raise
            except Exception as error:  # noqa: BLE001, RUF100 - one tenant's trouble must not stop the others
                log.exception("api.webhooks.failed", tenant_id=str(tenant_id), exc_info=error)
                continue
            for message in messages:
                self._by_tenant[tenant_id] += 1
                self._by_endpoint[message.endpoint_id] += 1
                task = tasks.create_task(self._deliver(tenant_id, message))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            taken += n
        return taken

    async def drain(self) -> int:
        """Take everything that is due now, wait for what is sent of it, and return how much it was."""
        done = 0
        while True:
            async with asyncio.TaskGroup() as tasks:
                taken = await self.start_due(tasks)
            if taken == 0:
                return done
            done += taken

    async def end(self, grace_s: float) -> None:
        """Let what is under way end within a time, and let go of the rest."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=grace_s)
            for task in late:
                task.cancel()

    async def _take(self, tenant_id: UUID, most: int) -> tuple[int, list[Message]]:
        """Claim what is due, and of it make the messages that its endpoints' owners may see."""
        ended: set[UUID] = set()
        messages: list[Message] = []
        async with self._database.unit_of_work() as uow:
            await self._authenticator.as_system(uow, tenant_id, NAME)
            rows = await queue.claim(uow, busy=self._by_endpoint, each=PER_ENDPOINT, most=most)
            events = await queue.events(uow, [row["event_id"] for row in rows])
            newest = await uow.first(store.CHECKPOINTS, tenant_id=uow.tenant, before=None, limit=1) if rows else None
            of_endpoint: dict[UUID, list[Record]] = defaultdict(list)
            for row in rows:
                of_endpoint[row["endpoint_id"]].append(row)
            for endpoint_id, own in of_endpoint.items():
                owner = await present_owner(uow, self._authenticator, own[0])
                if owner is None:
                    ended.add(endpoint_id)
                    for row in own:
                        await outcomes.withhold(uow, row["id"], row["attempts"], "owner_ended")
                    continue
                for row in own:
                    shown = self._shown(owner, events.get(row["event_id"]))
                    if shown is None:
                        await outcomes.withhold(uow, row["id"], row["attempts"], "hidden")
                    else:
                        messages.append(self._message(uow, row, shown, None if newest is None else newest["note"]))
        for endpoint_id in ended:
            # Apart, since it locks the endpoint before its deliveries.
            async with self._database.unit_of_work() as uow:
                await self._authenticator.as_system(uow, tenant_id, NAME)
                await outcomes.disable(uow, endpoint_id, "owner_ended")
        return len(rows), messages

    def _shown(self, owner: Principal, event: "Record | None") -> dict[str, Any] | None:
        """The event as its feed shows it to the owner now; None where it does not, or it was archived."""
        if event is None:
            return None
        return fed_event(owner, cloud_event(event["index"], event["payload"]), self._subjects)

    def _message(self, uow: "UnitOfWork", row: "Record", event: dict[str, Any], checkpoint: str | None) -> Message:
        now, bound_to = uow.clock.now(), encode_id("whk", row["endpoint_id"])
        sealed = [row["secret"]]
        if row["previous_secret"] is not None and row["previous_secret_expires_at"] > now:
            sealed.append(row["previous_secret"])
        opened = [self._authenticator.keyring.open(one, bound_to) for one in sealed]
        secrets = [one.decode() for one in opened if one is not None]
        headers, body = rendered(event, at=now, secrets=secrets, checkpoint=checkpoint)
        return Message(row["id"], row["endpoint_id"], row["attempts"], row["url"], headers, body)

    async def _deliver(self, tenant_id: UUID, message: Message) -> None:
        try:
            outcome = await self._post(message)
            async with self._database.unit_of_work() as uow:
                await self._authenticator.as_system(uow, tenant_id, NAME)
                await outcomes.settle(uow, message.endpoint_id, message.delivery_id, message.attempts, outcome)
        except Exception as error:  # noqa: BLE001, RUF100 - it is due again when its lease ends
            log.exception("api.webhooks.not_settled", tenant_id=str(tenant_id), exc_info=error)
        finally:
            self._by_tenant[tenant_id] -= 1
            self._by_endpoint[message.endpoint_id] -= 1
            for counter, key in ((self._by_tenant, tenant_id), (self._by_endpoint, message.endpoint_id)):
                if counter[key] <= 0:
                    del counter[key]
            self.room.set()

    async def _post(self, message: Message) -> Outcome:
        """What the receiver says; of its answer only the status is read. Reasons name no address."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        status: int | None = None
        error: str | None = None
        try:
            posting = self._client.stream("POST", message.url, content=message.body, headers=message.headers)
            async with posting as response:
                status = response.status_code
        except tuple(kind for kind, _ in _ERRORS) as failure:
            if status is None:
                error = next(code for kind, code in _ERRORS if isinstance(failure, kind))
        return Outcome(status, error, round((loop.time() - began) * 1000))
