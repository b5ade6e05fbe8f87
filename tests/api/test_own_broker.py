"""The platform's own broker: nobody gets beyond his own root, and a connector follows it like any other."""

import pytest
from aiomqtt import Client, MqttError, Will
from fixtures.app import Tenant, World
from fixtures.brokers import Plant, ingesting, until

from woaas_api.ingest.connection import INGEST_USER, own_password

pytestmark = pytest.mark.anyio
STATE = {"tag": "state", "topic": "m1/state", "work_center": "m1", "means": "state"}


async def credentials(plant: Plant, code: str) -> tuple[str, str]:
    """A gateway's user name, which is also its root, and password."""
    await plant.put(code, tags=[STATE])
    issued = await plant.post(f"/v1/connectors/{code}/credentials")
    assert issued["topic_root"] == issued["username"]
    assert (issued["host"], issued["port"]) == ("127.0.0.1", plant.port)
    return issued["username"], issued["password"]


async def is_refused(client: Client) -> bool:
    try:
        async with client:
            return False
    except MqttError:
        return True


async def test_gateways_stay_below_their_own_root(world: World, factory: Tenant, own_broker: int) -> None:
    mine, theirs = Plant(factory, None, own_broker), Plant(await world.tenant("Other"), None, own_broker)
    (root, password), (other_root, other_password) = await credentials(mine, "gate"), await credentials(theirs, "gate")
    for plant in (mine, theirs):
        await plant.work_center("m1")
    me = {"user": root, "password": password, "identifier": f"{root}.1"}
    refused = [
        mine.gateway(root, "wrong", identifier=root),
        mine.gateway(root, other_password, identifier=root),
        mine.gateway(INGEST_USER, "wrong", identifier=root),
        mine.gateway("", None, identifier=root),
        Client("127.0.0.1", own_broker, identifier=root),
        mine.gateway(root, password, identifier=other_root),
        mine.gateway(**me, will=Will(f"{other_root}/m1/state", b"down", qos=1)),
    ]
    for client in refused:
        assert await is_refused(client)
    watching = mine.gateway(INGEST_USER, own_password(world.settings), identifier="watcher")
    async with ingesting(world), watching, mine.gateway(**me) as gateway:
        await watching.subscribe("#", qos=1)
        for topic in (
            f"{other_root}/m1/state",
            f"{other_root}/#",
            "#",
            "+/m1/state",
            f"spBv1.0/{other_root}/DDATA/n/d",
        ):
            (code,) = await gateway.subscribe(topic, qos=1)
            assert int(getattr(code, "value", code)) >= 0x80, topic
        for topic in (f"{other_root}/m1/state", f"spBv1.0/{other_root}/NDEATH/n", f"spBv1.0/{root}/NCMD/n", "free"):
            await gateway.publish(topic, b"down", qos=1, retain=True)
        await mine.connected("gate")
        await theirs.connected("gate")
        await gateway.publish(f"{root}/m1/state", b"down", qos=1)
        message = await anext(aiter(watching.messages))
        assert str(message.topic) == f"{root}/m1/state"

        async def is_down() -> bool:
            return await mine.state("m1") == "down"

        await until(is_down, "my machine's word arrived")
    assert await theirs.state("m1") is None
    assert (await theirs.get("/v1/connectors/gate"))["received"] == 0


async def test_a_new_password_ends_the_old_one_and_a_disabled_connector_has_none(
    factory: Tenant, own_broker: int
) -> None:
    plant = Plant(factory, None, own_broker)
    root, first = await credentials(plant, "gate")
    _, second = await credentials(plant, "gate")
    assert await is_refused(plant.gateway(root, first, identifier=root))
    assert not await is_refused(plant.gateway(root, second, identifier=root))
    await plant.post("/v1/connectors/gate/disable")
    assert await is_refused(plant.gateway(root, second, identifier=root))
