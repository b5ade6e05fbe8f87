"""Electronic signatures: who may sign, with what, bound to what; and what becomes of them when the record changes."""

import hashlib
from datetime import datetime
from typing import Any

import msgspec
import pytest
from fixtures.app import Tenant, World
from httpx import AsyncClient

from woaas_core.events.canonical import canonical
from woaas_security.identity.service import Origin, SignedIn, add_user
from woaas_security.identity.sign_in import sign_in

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"
ANN, BOB, OLA = "ann@factory.test", "bob@factory.test", "ola@factory.test"
ORDER = {"product": "P", "quantity": "5", "release": True, "operations": [{"name": "turn"}, {"name": "mill"}]}

SIGNED_LIST = "{ workOrders { edges { node { signatures { id } } } } }"


def signed_by(signer: str = ANN, **members: Any) -> dict[str, Any]:
    return {"meaning": "released", "reason": "batch 7", "signer": signer, "password": PASSWORD, **members}


@pytest.fixture
async def staffed(factory: Tenant) -> Tenant:
    async with factory.world.db.unit_of_work() as uow:
        await factory.world.authenticator.as_system(uow, factory.id, "test")
        for email, role in ((ANN, "quality"), (BOB, "supervisor"), (OLA, "auditor")):
            await add_user(uow, email=email, name=email.partition("@")[0].title(), password=PASSWORD, roles=[role])
    return factory


async def an_order(client: AsyncClient) -> tuple[dict[str, Any], str, str]:
    order = (await client.post("/v1/work-orders", json=ORDER)).json()
    return order, f"/v1/work-orders/{order['id']}", f"/v1/operations/{order['operations'][0]['id']}"


class TestSigning:
    async def test_a_stranger_does_not(self, world: World, staffed: Tenant) -> None:
        async with staffed.client() as client:
            _, at, op = await an_order(client)
        other = await world.tenant("Other")
        async with other.client() as stranger:
            assert (await stranger.post(f"{op}/signatures", json=signed_by())).status_code == 404
            assert (await stranger.get(f"{at}/evidence")).status_code == 404
            stranger.headers.pop("authorization")
            assert (await stranger.post(f"{op}/signatures", json=signed_by())).status_code == 401

    async def test_it_prints_name_time_and_meaning_wherever_the_record_is_shown(self, staffed: Tenant) -> None:
        async with staffed.client() as client:
            await client.put("/v1/sites/berlin", json={"time_zone": "Europe/Berlin"})
            order, at, op = await an_order(client)
            await client.patch(at, json={"site": "berlin"})
            answer = await client.post(f"{op}/signatures", json=signed_by())
            assert answer.status_code == 201, answer.text
            signature = answer.json()
            assert (signature["signer_name"], signature["meaning"], signature["state"]) == ("Ann", "released", "valid")
            assert signature["time_zone"] == "Europe/Berlin"
            local = datetime.fromisoformat(signature["signed_at_local"])
            assert local == datetime.fromisoformat(signature["signed_at"]).replace(microsecond=0)
            assert (await client.get(answer.headers["location"])).json() == signature
            assert (await client.get(at)).json()["signatures"] == [signature]
            assert (await client.get(op)).json()["signatures"] == [signature]
            assert (await client.get(f"{at}/signatures")).json()["data"] == [signature]
            await an_order(client)
            orders = (await client.get("/v1/work-orders?expand=operations")).json()["data"]
            assert [o["signatures"] for o in orders] == [[], [signature]]
            steps = (await client.get("/v1/operations")).json()["data"]
            assert [o["signatures"] for o in steps if o["id"] in op] == [[signature]]
            assert [o for o in steps if o["id"] not in op and o["signatures"]] == []
            graphed = (await client.post("/graphql", json={"query": SIGNED_LIST})).json()["data"]["workOrders"]["edges"]
            assert [e["node"]["signatures"] for e in graphed] == [[], [{"id": signature["id"]}]]
            assert (await client.get(f"{at}/evidence")).json()["signatures"] == [signature]
            assert (await client.get(f"/v1/operations/{order['operations'][1]['id']}")).json()["signatures"] == []
            types = [e["type"] for e in (await client.get(f"{at}/timeline")).json()["data"]]
            assert types[-1] == "signature.created"
            graph = {"query": "query($id: ID!) { workOrder(id: $id) { etag signatures { id signerName signedAtLocal }"
                     " operations { etag signatures { meaning } } } }", "variables": {"id": order["id"]}}  # fmt: skip
            found = (await client.post("/graphql", json=graph)).json()["data"]["workOrder"]
            assert found["signatures"][0]["signedAtLocal"] == signature["signed_at_local"]
            assert found["operations"][0]["signatures"] == [{"meaning": "released"}]
            assert found["etag"] == (await client.get(at)).headers["etag"]
            assert found["operations"][0]["etag"] == (await client.get(op)).headers["etag"]
            operator = staffed.client(await staffed.key("partner"))
            assert "signatures" not in (await operator.get(op)).text
            for many in ("/v1/work-orders", "/v1/operations"):
                assert "signatures" not in (await operator.get(many)).text

    async def test_only_the_signer_s_own_password_will_do(self, staffed: Tenant) -> None:
        async with staffed.client() as client:
            _, _, op = await an_order(client)
            for wrong in ({"password": "no"}, {"signer": "nobody@factory.test"}, {"otp": "000000"}):
                answer = await client.post(f"{op}/signatures", json=signed_by() | wrong)
                assert answer.status_code == 401, answer.text
            for missing in ("password", "signer"):
                body = {n: v for n, v in signed_by().items() if n != missing}
                assert (await client.post(f"{op}/signatures", json=body)).status_code == 422
            assert (await client.post(f"{op}/signatures", json=signed_by(OLA))).status_code == 403
            assert (await client.get(op)).json()["signatures"] == []

    async def test_whoever_is_signed_in_signs_for_himself(self, staffed: Tenant) -> None:
        async with staffed.client() as client:
            _, _, op = await an_order(client)
        async with staffed.world.db.unit_of_work() as uow:
            session = await sign_in(uow, staffed.world.authenticator, ANN, PASSWORD, Origin())
        assert isinstance(session, SignedIn)
        async with staffed.client() as client:
            del client.headers["authorization"]
            client.cookies.set("woaas_session", session.token)
            body = {"subject": op.rpartition("/")[2], "meaning": "reviewed", "password": PASSWORD}
            answer = await client.post("/v1/signatures", json=body, headers={"Woaas-Console": "1"})
        assert (answer.status_code, answer.json()["signer_name"]) == (201, "Ann")

    async def test_the_second_pair_of_eyes_is_somebody_else_s(self, staffed: Tenant) -> None:
        async with staffed.client() as client:
            _, at, op = await an_order(client)
            assert (await client.post(f"{op}/signatures", json=signed_by())).status_code == 201
            again = await client.post(f"{op}/signatures", json=signed_by(meaning="reviewed"))
            assert (again.status_code, again.json()["code"]) == (409, "four_eyes")
            assert (await client.post(f"{op}/signatures", json=signed_by(BOB))).status_code == 201
            assert (await client.post(f"{at}/signatures", json=signed_by())).status_code == 201


class TestChanges:
    async def test_a_change_of_what_is_signed_voids_it_and_names_itself(self, staffed: Tenant) -> None:
        async with staffed.client() as client:
            order, at, op = await an_order(client)
            for place in (op, at):
                assert (await client.post(f"{place}/signatures", json=signed_by())).status_code == 201
            assert (await client.post(f"/v1/operations/{order['operations'][1]['id']}/signatures",
                                      json=signed_by())).status_code == 201  # fmt: skip
            changed = await client.patch(op, json={"name": "grind"})
            shown = (await client.get(at)).json()["signatures"]
            assert [s["state"] for s in shown] == ["invalidated", "invalidated", "valid"]
            entries = (await client.get(f"{at}/timeline")).json()["data"]
            by = {e["id"]: e["type"] for e in entries}
            assert {by[s["invalidated_by"]] for s in shown[:2]} == {"operation.updated"}
            voided = [e for e in entries if e["type"] == "signature.invalidated"]
            assert {e["data"]["change_type"] for e in voided} == {"operation.updated"}
            assert changed.json()["signatures"] == [shown[0]]
            # Back as it was: what was void stays so, and he may sign anew.
            await client.patch(op, json={"name": "turn"})
            assert (await client.get(op)).json()["signatures"][0]["state"] == "invalidated"
            assert (await client.post(f"{op}/signatures", json=signed_by())).status_code == 201

    async def test_work_going_on_voids_no_release_and_a_late_report_voids_what_it_changes(
        self, staffed: Tenant
    ) -> None:
        async with staffed.client() as client:
            _, at, op = await an_order(client)
            released = (await client.post(f"{op}/signatures", json=signed_by())).json()
            await client.post(f"{op}/start", json={"operator": "p1"})
            await client.post(f"{op}/reports", json={"kind": "run", "good": "5"})
            await client.post(f"{op}/complete", json={})
            done = (await client.post(f"{op}/signatures", json=signed_by(BOB, meaning="performed"))).json()
            assert (released["scope"], done["scope"]) == ("specification", "record")
            assert [s["state"] for s in (await client.get(op)).json()["signatures"]] == ["valid", "valid"]
            await client.post(f"{op}/reports", json={"kind": "run", "scrap": "1"})
            shown = (await client.get(op)).json()["signatures"]
            assert [s["state"] for s in shown] == ["valid", "invalidated"]
            evidence = (await client.get(f"{at}/evidence")).json()
            assert len(evidence["reports"]) == 2

    async def test_what_was_signed_is_kept_and_hashes_to_what_is_printed(self, world: World, staffed: Tenant) -> None:
        async with staffed.client() as client:
            _, at, _ = await an_order(client)
            shown = (await client.post(f"{at}/signatures", json=signed_by())).json()
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, staffed.id, "test")
            ((record,),) = await uow.connection.fetch("SELECT record FROM signatures")
        assert hashlib.sha256(record).hexdigest() == shown["record_sha256"]
        assert b'"name":"turn"' in record

    async def test_the_hash_lets_nobody_try_what_a_record_says(self, world: World, staffed: Tenant) -> None:
        async with staffed.client() as client:
            _, at, _ = await an_order(client)
            await client.post(f"{at}/signatures", json=signed_by())
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, staffed.id, "test")
            ((record, shown),) = await uow.connection.fetch("SELECT record, record_sha256 FROM signatures")
        content = msgspec.json.decode(record)
        assert len(content.pop("salt")) == 64
        guessed = canonical(content)
        assert hashlib.sha256(guessed).hexdigest() != shown


async def test_evidence_names_every_entry_of_the_order(world: World, staffed: Tenant) -> None:
    async with staffed.client() as client:
        order, at, op = await an_order(client)
        await client.post(f"{op}/reports", json={"kind": "run", "good": "1"})
        await world.settle(staffed)
        found = (await client.get(f"{at}/evidence")).json()
        assert found["work_order"] == (await client.get(at)).json()
        assert {e["subject"] for e in found["entries"]} >= {order["id"], order["operations"][0]["id"]}
        assert [e["index"] for e in found["entries"]] == sorted(e["index"] for e in found["entries"])
        assert found["checkpoint"].splitlines()[1] == str(found["tree_size"])
        quality = staffed.client(await staffed.key("quality"))
        assert (await quality.get(f"{at}/evidence")).json()["entries"] == []
