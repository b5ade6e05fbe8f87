"""Nothing that somebody may not read reaches him: every operation, asked by everybody, and every byte of every answer.

The requests are made from the committed contracts, so a new operation is crawled without a line here. With
``WOAAS_CANARY_RESPONSES=20000`` it goes on over all objects until there are so many answers.
"""

import base64
import binascii
import io
import logging
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from uuid import UUID

import pytest
import structlog
from fixtures.app import World
from fixtures.canaries import Aviary, Who, aviary
from fixtures.console import PASSWORD, browser, submit
from fixtures.crawler import Objects, Operation, documents, ids_by_type, mutations, operations, pages, queries
from fixtures.entries import BY_HAND
from fixtures.exports import FORMATS, parquet, write
from fixtures.receivers import post_office
from httpx import AsyncClient, Response

from woaas_api.console.live import Live
from woaas_api.edge import Edge
from woaas_api.exported import EXPORTED
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.ids import encode_id, uuid7
from woaas_core.telemetry import PROCESSORS, quiet_libraries
from woaas_security.principal import Principal
from woaas_work_orders.search import SEARCHED
from woaas_work_orders.webhooks import queue
from woaas_work_orders.webhooks import repository as endpoints
from woaas_work_orders.webhooks.owner import owner_of

pytestmark = pytest.mark.anyio

WANTED = int(os.environ.get("WOAAS_CANARY_RESPONSES", "0"))
# Who reads nearly all there is tells little.
_INSIDE = ("planner", "supervisor", "quality", "developer")
THOROUGH = ("blind", "partner", "customer")
NOTHING = {"data": [], "facets": {"kind": {}, "state": {}}}
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")


class Crawl:
    """What was asked, and what was found that should not have been."""

    def __init__(self, birds: Aviary) -> None:
        self.birds = birds
        self.responses = 0
        self.sent: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.leaks: set[str] = set()
        self.defects: set[str] = set()
        self.hidden = {w.name: birds.canaries.hidden_from(w) for w in birds.people}
        every = "|".join(re.escape(c.text) for c in birds.canaries.all)
        self.any = re.compile(every.encode())

    def look(self, who: Who, place: str, answer: Response) -> None:
        """Go through every byte of an answer."""
        self.responses += 1
        self.statuses[answer.status_code] += 1
        if answer.status_code >= 500 and answer.status_code != 503:
            self.defects.add(f"{who.name}: {place} -> {answer.status_code}")
        head = "\n".join(f"{k}: {v}" for k, v in answer.headers.items()).encode()
        self.search(who, place, head + b"\n" + answer.content)

    def search(self, who: Who, place: str, content: bytes) -> None:
        """Go through bytes, and through what is packed in them."""
        for part in unpacked(content):
            found = {m.decode() for m in self.any.findall(part)}
            if found:
                self.leaks |= {f"{who.name}: {place}: {'|'.join(c.homes)} {sorted(c.rows)}"
                               for c in self.hidden[who.name] if c.text in found}  # fmt: skip


def unpacked(content: bytes) -> Iterator[bytes]:
    """The bytes, the files in them if they are an archive, and what base64 in them says."""
    parts = [content]
    if content.find(b"PK\x03\x04") >= 0:
        with zipfile.ZipFile(io.BytesIO(content[content.index(b"PK\x03\x04") :])) as archive:
            parts += [archive.read(name) for name in archive.namelist()]
    for part in parts:
        yield part
        for text in _BASE64.findall(part):
            try:
                yield base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_" if b"_" in text else None)
            except (binascii.Error, ValueError):
                continue


async def rest(crawl: Crawl, client: AsyncClient, who: Who, objects: Objects, asked: Iterable[Operation]) -> None:
    """Ask operations of the API; in one run of the suite only whoever should see nothing is crawled in every way."""
    thoroughly = bool(WANTED) or who.name == "blind"
    for operation in asked:
        for path in await objects.filled(operation.path, 1_000 if WANTED else 2 if who.name in THOROUGH else 1):
            for query in queries(operation, thoroughly=thoroughly):
                url = f"{path}?{query}" if query else path
                answer = await client.request(operation.method, url, json=operation.body)
                crawl.look(who, f"{operation.method} {operation.path}?{query}", answer)


async def graph(crawl: Crawl, client: AsyncClient, who: Who, asked: Iterable[str]) -> None:
    """Ask documents of the graph."""
    for document in asked:
        answer = await client.post("/graphql", json={"query": document})
        crawl.look(who, f"graph {document[:60]}", answer)


async def console(crawl: Crawl, who: Who, objects: Objects) -> None:
    """Look at every page of the console."""
    async with browser(crawl.birds.factory) as client:
        signed_in = await submit(client, "/console/sign-in", email=who.email, password=PASSWORD)
        assert signed_in.status_code == 303
        for page in pages():
            for path in await objects.filled_page(page):
                crawl.look(who, f"page {page}", await client.get(path))
        session = client.cookies["woaas_session"]
    # The stream never ends by itself: of its beginning and of what it says of the whole log so far.
    live = Live(Edge(crawl.birds.world.settings, crawl.birds.world.db))
    principal = await live._reader(session)
    async for text in live._follow(session, principal, 0):
        crawl.search(who, "page /console/live", text.encode())
        if principal.is_guest or "event: change" in text:
            break


async def exports(crawl: Crawl, client: AsyncClient, who: Who) -> None:
    """Have a bundle of the whole log written, and take it apart."""
    asked = await client.post("/v1/audit/exports", json={})
    crawl.look(who, "POST /v1/audit/exports", asked)
    if asked.status_code == 202:
        await crawl.birds.world.settle(crawl.birds.factory)
        answer = await client.get(f"{asked.headers['location']}/download")
        assert answer.status_code == 200, answer.text
        crawl.look(who, "bundle", answer)


async def files(crawl: Crawl, client: AsyncClient, who: Who) -> None:
    """Have every list written in every format, and look at what is in the files."""
    found: list[tuple[str, str, str]] = []
    for listed in EXPORTED.all:
        for format in FORMATS:
            asked = await client.post("/v1/exports", json={"resource": listed.resource.name, "format": format})
            crawl.look(who, f"POST /v1/exports {listed.resource.name}", asked)
            if asked.status_code == 202:
                found.append((listed.resource.name, format, asked.headers["location"]))
        await write(crawl.birds.factory)
    for name, format, where in found:
        answer = await client.get(f"{where}/download")
        assert answer.status_code == 200, (name, answer.text, (await client.get(where)).text)
        crawl.look(who, f"export {name} {format}", answer)
        if format == "parquet":
            crawl.search(who, f"export {name} parquet", repr(parquet(answer.content)).encode())


async def searches(crawl: Crawl, client: AsyncClient, who: Who) -> None:
    """Look for what is hidden: what one may not read is found by nobody, and counted for nobody."""
    texts = [c.text for c in crawl.hidden[who.name] if any(h.partition(".")[0] in SEARCHED for h in c.homes)]
    for text in texts:
        answer = await client.get("/v1/search", params={"q": text})
        crawl.look(who, "GET /v1/search", answer)
        if answer.status_code == 200 and answer.json() != NOTHING:
            crawl.leaks.add(f"{who.name}: /v1/search?q={text} found {answer.text}")


async def hooks(crawl: Crawl, people: Iterable[Who]) -> None:
    """Have all that ever happened in the factory sent to an endpoint of everybody's, under his rights."""
    world, factory = crawl.birds.world, crawl.birds.factory
    post = await post_office(world)
    by_url = {f"https://{n}.example/": who for n, who in enumerate(people)}
    async with world.db.unit_of_work() as uow:
        await world.authenticator.as_system(uow, factory.id, "test")
        await uow.connection.execute(BY_HAND)
        happened = await uow.connection.fetch("SELECT id, type FROM event WHERE type NOT LIKE '%.observed'")
        for url, who in by_url.items():
            assert who.principal is not None
            row = await endpoint_row(uow, world, who.principal, url)
            await queue.add(uow, ((row, event["id"], event["type"]) for event in happened))
    await post.deliver(factory)
    sent = [one for one in post.sent if one.url in by_url]
    for one in sent:
        who = by_url[one.url]
        # The checkpoint beside it is base64 in a header: looked through as well.
        head = "\n".join(f"{k}: {v}" for k, v in one.headers.items()).encode()
        crawl.search(who, f"webhook {one.event['type']}", head + b"\n" + one.body)
    crawl.sent = Counter(by_url[one.url].name for one in sent)
    assert len({one.event["type"] for one in sent}) > 50
    # Who may not follow events is sent none.
    assert not [name for name in crawl.sent if name in ("partner", "customer", "operator")]
    # The search can find something, and of what others are sent the blind one gets the skeleton.
    told = Counter(by_url[one.url].name for one in sent if crawl.any.search(one.body))
    assert told["planner"] > told["blind"], told


async def endpoint_row(uow: UnitOfWork, world: World, owner: Principal, url: str) -> UUID:
    """An endpoint as the owner's own, whether or not he may make one."""
    endpoint_id, now = uuid7(), uow.clock.now()
    secret = world.authenticator.keyring.seal(b"whsec_" + base64.b64encode(b"x" * 24), encode_id("whk", endpoint_id))
    empty = ("name", "disabled_reason", "previous_secret", "previous_secret_expires_at", "archived_at", "failing_since")
    kept = {"secret": secret, "version": 1, "created_at": now, "updated_at": now, **dict.fromkeys(empty)}
    values = {"id": endpoint_id, "url": url, "events": ["*"], "state": "enabled", **owner_of(owner), **kept}
    await endpoints.insert(uow, values)
    return endpoint_id


async def test_no_canary_reaches_whom_it_is_hidden_from(
    world: World,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(structlog._config, "_CONFIG", structlog._config._Configuration())
    structlog.configure(processors=PROCESSORS)
    quiet_libraries()
    birds = await aviary(world)
    caplog.clear()
    capfd.readouterr()
    crawl = Crawl(birds)
    every = operations()
    reads = [o for o in every if o.method == "GET"]
    writes = [o for o in every if o.method != "GET"]
    async with birds.factory.client() as owner:
        objects = Objects(owner, 10 if WANTED else 2)
        ids = await ids_by_type(owner, objects)
        callers = [w for w in birds.people if WANTED or w.name not in _INSIDE]
        for who in callers:
            async with birds.factory.client(who.key) as client:
                await rest(crawl, client, who, objects, reads)
                await graph(crawl, client, who, documents(ids))
                await searches(crawl, client, who)
                if who.principal is not None:
                    await exports(crawl, client, who)
                    await files(crawl, client, who)
            if who.email and (WANTED or who.name in ("blind", "auditor", "partner", "customer")):
                await console(crawl, who, objects)
        await hooks(crawl, [who for who in birds.people if who.principal is not None])
        for who in callers:
            async with birds.factory.client(who.key) as client:
                await rest(crawl, client, who, objects, writes)
                await graph(crawl, client, who, mutations(ids))
                if WANTED:
                    await rest(crawl, client, who, objects, reads)
    # What the client in this test logs of its own requests is not the server's.
    records = [r for r in caplog.records if not r.name.startswith("httpx")]
    written = [line for out in capfd.readouterr() for line in out.splitlines() if " - httpx - " not in line]
    logged = "\n".join([*(r.getMessage() for r in records), *written])
    looked = f"{crawl.responses} responses, {len(birds.canaries.all)} canaries, {len(callers)} callers"
    print(looked, dict(crawl.statuses), f"webhooks {dict(crawl.sent)}")
    assert crawl.leaks == set(), "\n".join(["", *sorted(crawl.leaks)])
    assert {line for line in logged.splitlines() if crawl.any.search(line.encode())} == set()
    assert crawl.defects == set(), [line[-1500:] for line in logged.splitlines() if ".failed" in line]
    assert crawl.statuses[200] > crawl.responses / 4
    assert crawl.responses >= WANTED
