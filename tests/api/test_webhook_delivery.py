"""Deliveries: what is sent to whom, under whose rights, how often, and what proves where it comes from."""

import asyncio
import base64
import subprocess
import sys
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fixtures.app import Tenant, World
from fixtures.postman import Postman
from fixtures.receivers import Post, Sent, endpoint, post_office

import woaas
from woaas import webhooks
from woaas.audit.notes import open_checkpoint, parse_vkeys
from woaas_api.subjects import SUBJECTS
from woaas_api.webhooks.deliverer import PER_ENDPOINT, Deliverer
from woaas_core.outbound.addresses import Outbound
from woaas_core.outbound.http import outbound_client
from woaas_security.identity.service import add_user
from woaas_work_orders.webhooks import queue
from woaas_work_orders.webhooks.outcomes import FAILING_FOR
from woaas_work_orders.webhooks.retries import DELAYS, MOST_ATTEMPTS

pytestmark = pytest.mark.anyio
DOOR = "/v1/webhook-endpoints"
# Neither knows of this project: what the specification says, in two languages.
STDLIB = """
import base64, hashlib, hmac, os, sys
key = base64.b64decode(os.environ["SECRET"].split("_", 1)[1])
signed = f'{os.environ["ID"]}.{os.environ["AT"]}.'.encode() + sys.stdin.buffer.read()
wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
sys.exit(0 if f"v1,{wanted}" in os.environ["SIGNATURES"].split(" ") else 1)
"""
NODE = """
const crypto = require("crypto"), fs = require("fs"), env = process.env;
const hmac = crypto.createHmac("sha256", Buffer.from(env.SECRET.split("_")[1], "base64"));
hmac.update(`${env.ID}.${env.AT}.`).update(fs.readFileSync(0));
process.exit(env.SIGNATURES.split(" ").includes("v1," + hmac.digest("base64")) ? 0 : 1);
"""


@pytest.fixture
async def post(world: World) -> Post:
    return await post_office(world)


async def order(tenant: Tenant, **body: Any) -> str:
    """The path of a new order."""
    async with tenant.client() as client:
        made = await client.post("/v1/work-orders", json={"product": "P", "quantity": "1", "title": "T", **body})
        assert made.status_code == 201, made.text
        return f"/v1/work-orders/{made.json()['id']}"


async def change(tenant: Tenant, path: str, **body: Any) -> None:
    """Change an order."""
    async with tenant.client() as client:
        answer = await client.patch(path, json=body)
        assert answer.status_code == 200, answer.text


async def deliveries(tenant: Tenant, made: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    """The deliveries to an endpoint, newest first."""
    async with tenant.client() as client:
        found: list[dict[str, Any]] = (await client.get(f"{DOOR}/{made['id']}/deliveries{query}")).json()["data"]
        return found


async def hide(tenant: Tenant, role: str, name: str) -> None:
    """Hide a field of orders from a role."""
    async with tenant.client() as client:
        policy = {"resource": "work_order", "field": name, "role": role, "access": "none"}
        assert (await client.post("/v1/field-policies", json=policy)).status_code == 201


def types(sent: list[Sent]) -> list[str]:
    """What was sent."""
    return [one.event["type"] for one in sent]


class TestSending:
    async def test_it_is_the_event_of_the_feed_signed_with_the_newest_checkpoint(
        self, factory: Tenant, post: Post
    ) -> None:
        made = await endpoint(factory)
        await order(factory)
        (sent,) = await post.deliver(factory)
        async with factory.client() as client:
            (event,) = (await client.get("/v1/events?type=work_order.*")).json()["data"]
            vkeys = [key["vkey"] for key in (await client.get("/v1/audit/keys")).json()["data"]]
            newest = (await client.get("/v1/audit/checkpoints/latest")).text
        assert sent.event == event
        assert sent.headers["webhook-id"] == event["id"]
        got = webhooks.verify(sent.body, sent.headers, made["secret"])
        assert (got.type, got.id, got.tenantid) == ("work_order.created", event["id"], event["tenantid"])
        assert got.checkpoint == newest
        assert open_checkpoint(got.checkpoint.encode(), parse_vkeys(vkeys), "it").size > event["auditindex"]
        signed = {
            "SECRET": made["secret"], "ID": sent.headers["webhook-id"], "AT": sent.headers["webhook-timestamp"],
            "SIGNATURES": sent.headers["webhook-signature"],
        }  # fmt: skip
        for program in ([sys.executable, "-I", "-c", STDLIB], ["node", "-e", NODE]):
            for body, code in ((sent.body, 0), (sent.body.replace(b"created", b"cleared"), 1)):
                done = subprocess.run(  # noqa: ASYNC221 - a moment, and nothing else runs
                    program, input=body, env={**signed, "PATH": "/usr/bin:/bin"}, check=False
                )
                assert done.returncode == code, program[0]
        (delivery,) = await deliveries(factory, made)
        assert (delivery["status"], delivery["status_code"], delivery["attempts"]) == ("delivered", 204, 1)

    async def test_a_client_takes_the_checkpoint_only_if_it_continues_the_one_kept(
        self, factory: Tenant, post: Post, tmp_path: Any
    ) -> None:
        made = await endpoint(factory)
        notes = []
        for _ in range(2):
            await order(factory)
            (sent,) = await post.deliver(factory)
            notes.append(webhooks.verify(sent.body, sent.headers, made["secret"]).checkpoint)
        async with factory.client() as client:
            vkeys = [key["vkey"] for key in (await client.get("/v1/audit/keys")).json()["data"]]
            size = open_checkpoint(notes[1].encode(), parse_vkeys(vkeys), "it").size
            old = open_checkpoint(notes[0].encode(), parse_vkeys(vkeys), "it").size
            proof = (await client.get(f"/v1/audit/consistency-proof?from={old}&to={size}")).json()
        wrong = {**proof, "proof": [base64.b64encode(b"x" * 32).decode()]}
        for answer, kept in ((proof, notes[1]), (wrong, notes[0])):
            said = httpx2.MockTransport(lambda _, answer=answer: httpx2.Response(200, json=answer))
            audit = woaas.Client("k", "http://woaas.test", http_client=httpx2.Client(transport=said)).audit
            file = tmp_path / f"kept-{kept is notes[1]}.txt"
            audit.keep_checkpoint(file, vkeys=vkeys, seen=notes[0])
            if answer is wrong:
                with pytest.raises(woaas.audit.Rejected):
                    audit.keep_checkpoint(file, vkeys=vkeys, seen=notes[1])
            else:
                # The older one, which was longer on its way, is continued by the kept one, which stays.
                for seen in (notes[1], notes[0]):
                    assert audit.keep_checkpoint(file, vkeys=vkeys, seen=seen) == notes[1]
            assert file.read_text() == kept

    async def test_only_what_is_wanted_since_it_is_wanted_and_nothing_while_paused(
        self, world: World, factory: Tenant, post: Post
    ) -> None:
        before = await order(factory)
        made = await endpoint(factory, events=["work_order.updated", "alert.*"])
        other = await world.tenant("Other")
        await endpoint(other, url="https://other.example/", events=["work_order.*"])
        await change(factory, before, title="A")
        assert types(await post.deliver(factory, other)) == ["work_order.updated"]
        async with factory.client() as client:
            await client.post(f"{DOOR}/{made['id']}/pause")
            await change(factory, before, title="B")
            assert await post.deliver(factory) == []
            await client.post(f"{DOOR}/{made['id']}/resume")
            await change(factory, before, title="C")
            assert len(await post.deliver(factory)) == 1
            asked = await client.post(f"{DOOR}/{made['id']}/test")
        (sent,) = await post.deliver(factory)
        assert (sent.event["id"], sent.event["subject"]) == (asked.json()["event_id"], made["id"])


class TestMasks:
    async def test_what_its_owner_may_not_see_is_not_sent(self, factory: Tenant, post: Post) -> None:
        path = await order(factory)
        key = await factory.key("developer")
        made = await endpoint(factory, key)
        await hide(factory, "developer", "title")
        await change(factory, path, title="hidden")
        await change(factory, path, title="hidden again", due_at="2030-01-01T00:00:00Z")
        (sent,) = await post.deliver(factory)
        assert sent.event["data"]["fields"] == ["due_at"]
        # As in the feed: who sees the title learns of both from the list, the owner of one.
        assert [d["status"] for d in await deliveries(factory, made)] == ["delivered", "withheld"]
        async with factory.client(key) as client:
            listed = (await client.get(f"{DOOR}/{made['id']}/deliveries")).json()["data"]
            assert [d["status"] for d in listed] == ["delivered"]
            hidden = next(d for d in await deliveries(factory, made) if d["status"] == "withheld")
            for method, rest in (("GET", ""), ("POST", "/replay")):
                answer = await client.request(method, f"{DOOR}/{made['id']}/deliveries/{hidden['id']}{rest}")
                assert answer.status_code == 404

    async def test_a_field_hidden_between_tries_is_not_in_the_next(self, factory: Tenant, post: Post) -> None:
        path = await order(factory)
        made = await endpoint(factory, await factory.key("developer"))
        post.answer(500)
        await change(factory, path, title="a")
        await change(factory, path, title="b", due_at="2030-01-01T00:00:00Z")
        first = await post.deliver(factory)
        assert [sorted(s.event["data"]["fields"]) for s in first] == [["title"], ["due_at", "title"]]
        await hide(factory, "developer", "title")
        post.answer(204)
        post.clock.by += timedelta(seconds=10)
        (again,) = await post.deliver(factory)
        assert (again.event["id"], again.event["data"]["fields"]) == (first[1].event["id"], ["due_at"])
        assert [(d["status"], d["error"]) for d in await deliveries(factory, made)] == [
            *(("delivered", None), ("withheld", "hidden"))
        ]

    @pytest.mark.parametrize("ending", ["revoked", "roles"])
    async def test_rights_taken_away_between_tries_hold(self, factory: Tenant, post: Post, ending: str) -> None:
        async with factory.client() as client:
            body = {"name": "erp", "roles": ["developer"]}
            key = (await client.post("/v1/api-keys", json=body)).json()
            made = await endpoint(factory, key["secret"])
            post.answer(500)
            await order(factory)
            assert len(await post.deliver(factory)) == 1
            post.answer(204)
            if ending == "revoked":
                await client.post(f"/v1/api-keys/{key['id']}/revoke")
            else:
                policy = {"resource": "event", "field": "*", "role": "developer", "access": "none"}
                assert (await client.post("/v1/field-policies", json=policy)).status_code in (201, 422)
                names = ("id", "type", "subject", "work_order_id", "actor", "reason", "recorded_at")
                for name in names:
                    await client.post("/v1/field-policies", json={**policy, "field": name})
            post.clock.by += timedelta(seconds=10)
            assert await post.deliver(factory) == []
            state = (await client.get(f"{DOOR}/{made['id']}")).json()
            why = (await deliveries(factory, made))[0]["error"]
            if ending == "roles":
                assert (state["state"], why) == ("enabled", "hidden")
                return
            assert (state["state"], state["disabled_reason"], why) == ("disabled", "owner_ended", "owner_ended")
            assert (await client.post(f"{DOOR}/{made['id']}/resume")).status_code == 409

    async def test_a_rotated_key_is_stood_in_for_by_its_successor(self, factory: Tenant, post: Post) -> None:
        async with factory.client() as client:
            key = (await client.post("/v1/api-keys", json={"name": "erp", "roles": ["developer"]})).json()
            made = await endpoint(factory, key["secret"])
            successor = (await client.post(f"/v1/api-keys/{key['id']}/rotate", json={})).json()
            await client.post(f"/v1/api-keys/{key['id']}/revoke")
            await order(factory)
            assert len(await post.deliver(factory)) == 1
        async with factory.client(successor["secret"]) as client:
            moved = await client.patch(f"{DOOR}/{made['id']}", json={"url": "https://new.example/"})
            assert moved.status_code == 200


class TestTries:
    async def test_there_are_eight_in_three_days_under_one_id(self, factory: Tenant, post: Post) -> None:
        made = await endpoint(factory)
        await order(factory)
        post.answer(503)
        sent = await post.deliver(factory)
        for n, delay in enumerate(DELAYS, 1):
            post.clock.by += delay * 0.85
            assert await post.deliver(factory) == [], n
            post.clock.by += delay * 0.3
            sent += await post.deliver(factory)
        assert len(sent) == MOST_ATTEMPTS == 8
        assert len({s.headers["webhook-id"] for s in sent}) == 1
        assert len({s.headers["webhook-timestamp"] for s in sent}) == 8
        assert timedelta(days=2.9) < sum(DELAYS, timedelta()) < timedelta(days=3.1)
        (delivery,) = await deliveries(factory, made)
        assert (delivery["status"], delivery["status_code"], delivery["next_attempt_at"]) == ("failed", 503, None)
        assert [t["status_code"] for t in delivery["tries"]] == [503] * 8
        post.answer(200)
        async with factory.client() as client:
            path = f"{DOOR}/{made['id']}/deliveries/{delivery['id']}"
            assert (await client.post(f"{path}/replay")).json()["status"] == "waiting"
            (again,) = await post.deliver(factory)
            assert again.headers["webhook-id"] == sent[0].headers["webhook-id"]
            assert (await client.get(path)).json()["status"] == "delivered"

    async def test_what_failed_for_days_or_is_gone_is_switched_off_and_its_owner_told(
        self, world: World, factory: Tenant, post: Post
    ) -> None:
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, factory.id, "test")
            await add_user(uow, email="o@example.com", name="O", password="correct horse 7 staple", roles=["owner"])
        gone, failing = await endpoint(factory), await endpoint(factory, url="https://failing.example/")
        post.answer(410)
        post.answer(500, "failing.example")
        path = await order(factory)
        assert len(await post.deliver(factory)) == 2
        post.clock.by += FAILING_FOR
        await change(factory, path, title="N")
        sent = await post.deliver(factory)
        # Both events were due once more, then no more; and nothing went to what was gone.
        assert {s.url for s in sent} == {failing["url"]}
        assert len(sent) == 1
        async with factory.client() as client:
            shown = {e["id"]: e for e in (await client.get(DOOR)).json()["data"]}
            assert [shown[e["id"]]["disabled_reason"] for e in (gone, failing)] == ["gone", "failing"]
            alerts = (await client.get("/v1/alerts?kind=webhook_disabled")).json()["data"]
            assert {a["subject"] for a in alerts} == {gone["id"], failing["id"]}
            postman = Postman(world)
            world.db.clock = post.clock
            assert await postman.round() == 2
            assert "/console/webhooks" in postman.mails[0].text
            post.answer(204, "failing.example")
            resumed = await client.post(f"{DOOR}/{failing['id']}/resume")
            assert (resumed.json()["state"], resumed.json()["failing_since"]) == ("enabled", None)
            sent = await post.deliver(factory)
            # What waited goes on; an alert of the endpoint that is still off stands.
            assert sorted(types(sent)) == ["work_order.created", "work_order.updated"]
            standing = (await client.get("/v1/alerts?kind=webhook_disabled&state=open")).json()["data"]
            assert [a["subject"] for a in standing] == [gone["id"]]

    async def test_no_private_address_is_called_and_no_redirect_followed(
        self, world: World, factory: Tenant, post: Post
    ) -> None:
        async def resolve(host: str, _port: int) -> list[str]:
            return [{"rebound.example": "169.254.169.254", "inside.example": "10.0.0.7"}[host]]

        made = [await endpoint(factory, url=f"https://{host}.example/") for host in ("rebound", "inside")]
        await order(factory)
        await world.settle(factory)
        async with outbound_client(Outbound(), resolve=resolve) as client:
            assert await Deliverer(world.db, world.authenticator, client, SUBJECTS).drain() == 2
        for one in made:
            (delivery,) = await deliveries(factory, one)
            assert (delivery["status"], delivery["error"]) == ("waiting", "ssrf_blocked")
        moved = await endpoint(factory, url="https://moved.example/")
        post.answers["moved.example"] = lambda: httpx2.Response(302, headers={"Location": "https://10.0.0.7/"})
        await order(factory)
        sent = await post.deliver(factory)
        assert "https://10.0.0.7/" not in {s.url for s in sent}
        assert (await deliveries(factory, moved))[0]["status_code"] == 302

    async def test_both_secrets_sign_for_a_while(self, factory: Tenant, post: Post) -> None:
        made = await endpoint(factory)
        path = await order(factory)
        await post.deliver(factory)
        async with factory.client() as client:
            renewed = await client.post(f"{DOOR}/{made['id']}/rotate-secret", json={"keep_previous_for": "PT1H"})
        old, new = made["secret"], renewed.json()["secret"]
        await change(factory, path, title="A")
        (sent,) = await post.deliver(factory)
        for secret in (old, new):
            webhooks.verify(sent.body, sent.headers, secret)
        post.clock.by = timedelta(hours=1, seconds=1)
        await change(factory, path, title="B")
        (sent,) = await post.deliver(factory)
        late = int(sent.headers["webhook-timestamp"])
        webhooks.verify(sent.body, sent.headers, new, now=late)
        with pytest.raises(webhooks.WebhookVerificationError):
            webhooks.verify(sent.body, sent.headers, old, now=late)


class TestSharing:
    async def test_several_processes_send_each_once(self, world: World, factory: Tenant, post: Post) -> None:
        for n in range(3):
            await endpoint(factory, url=f"https://r{n}.example/")
        path = await order(factory)
        for n in range(4):
            await change(factory, path, title=str(n))
        await world.settle(factory)
        client = post.deliverer._client
        crew = [Deliverer(world.db, world.authenticator, client, SUBJECTS) for _ in range(3)]
        assert sum(await asyncio.gather(*(one.drain() for one in crew))) == 15
        assert len({(s.url, s.headers["webhook-id"]) for s in post.sent}) == len(post.sent) == 15

    async def test_what_was_in_hand_is_due_again_when_its_lease_ends(
        self, world: World, factory: Tenant, post: Post
    ) -> None:
        await endpoint(factory)
        await order(factory)
        await world.settle(factory)
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, factory.id, "test")
            (taken,) = await queue.claim(uow, busy={}, each=4, most=4)
        assert await post.deliver(factory) == []
        post.clock.by = queue.LEASE + timedelta(seconds=1)
        assert len(await post.deliver(factory)) == 1
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, factory.id, "test")
            late = {"a_try": [], "status_code": None, "error": "timeout", "next_attempt_at": None, "finished_at": None}
            # What was slow to fail does not undo what got through since.
            assert not await queue.settle(uow, taken["id"], taken["attempts"], status="failed", **late)

    async def test_a_slow_receiver_holds_up_no_other(self, world: World, factory: Tenant) -> None:
        slow = await world.tenant("Slow")
        release, started, done = asyncio.Event(), [], []

        async def receive(request: httpx2.Request) -> httpx2.Response:
            started.append(request.url.host)
            if request.url.host == "slow.example":
                await release.wait()
            done.append(request.url.host)
            return httpx2.Response(204)

        await endpoint(slow, url="https://slow.example/")
        await endpoint(slow, url="https://quick.example/")
        await endpoint(factory, url="https://other.example/")
        path = await order(slow)
        for n in range(PER_ENDPOINT + 1):
            await change(slow, path, title=str(n))
        await order(factory)
        await world.settle(slow, factory)
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(receive))
        deliverer = Deliverer(world.db, world.authenticator, client, SUBJECTS)
        async with asyncio.TaskGroup() as tasks:
            while len(done) < PER_ENDPOINT + 3:
                if not await deliverer.start_due(tasks):
                    await deliverer.room.wait()
                    deliverer.room.clear()
            assert started.count("slow.example") == PER_ENDPOINT
            assert sorted(set(done)) == ["other.example", "quick.example"]
            release.set()


class TestForgetting:
    async def test_deliveries_are_kept_for_thirty_days(self, world: World, factory: Tenant, post: Post) -> None:
        made = await endpoint(factory)
        await order(factory)
        await post.deliver(factory)
        assert len(await deliveries(factory, made, "?status=delivered")) == 1
        for by, left in ((timedelta(days=29), 1), (timedelta(days=31), 0)):
            post.clock.by = by
            async with post.deliverer._database.unit_of_work() as uow:
                await world.authenticator.as_system(uow, factory.id, "test")
                assert await queue.forget_old(uow, limit=10) == 1 - left
            assert len(await deliveries(factory, made)) == left
