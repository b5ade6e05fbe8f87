"""The platform's own broker, for one machine: it listens on loopback, and lets nobody in without a password.

A gateway is let in as its connector, and may publish and subscribe below its connector's root alone. What the broker
has accepted is in its memory, and what was under way when ingest ends is given up (amqtt 0.12 forgets a message whose
acknowledgement does not come): a plant that needs more names a broker of its own.
"""

import asyncio
import hmac
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from woaas_api.ingest.connection import INGEST_USER, own_password
from woaas_api.ingest.topic_map import SPARKPLUG
from woaas_core.db.database import Database
from woaas_core.db.tenancy import APP
from woaas_core.ids import try_decode_id
from woaas_core.settings import MQTT_HOST, Settings
from woaas_core.telemetry import logger
from woaas_security.identity.keyring import Keyring
from woaas_work_orders.connectors import repository

log = logger(__name__)
_USER = "woaas.user"


async def run_broker(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until stopped."""
    database = await Database.connect(settings.database_url, role=APP, size=2, pooler=settings.pooler_url)
    try:
        broker = ConnectorBroker(settings, database)
        await broker.start()
        log.info("infra.broker.started", port=settings.mqtt_port)
        await stop.wait()
        await broker.shutdown()
    finally:
        await database.close()


def may(user: str, action: Action, topic: str) -> bool:
    """Whether a user may publish to a topic, or subscribe to or receive from it: below its own root. Pure."""
    if user == INGEST_USER:
        return True
    levels = topic.split("/")
    if levels[0] == user and len(levels) > 1:
        return True
    if levels[0] != SPARKPLUG or len(levels) < 4 or levels[1] != user:
        return False
    # Commands to its own nodes are received, never given.
    return levels[2] not in ("NCMD", "DCMD") or action is not Action.PUBLISH


class ConnectorBroker(Broker):  # type: ignore[misc]  # amqtt is not typed
    """amqtt's broker with our access rules and nothing retained.

    Retained messages are given to whoever connects (amqtt 0.12), whatever the access rules say of their topic.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        listener = ListenerConfig(bind=f"{MQTT_HOST}:{settings.mqtt_port}", max_connections=1000)
        access = f"{Access.__module__}.{Access.__qualname__}"
        super().__init__(BrokerConfig(listeners={"default": listener}, plugins={access: {}}))
        for plugin in self.plugins_manager.plugins:
            if isinstance(plugin, Access):
                plugin.guard = Guard(settings, database)

    async def retain_message(self, *_args: Any, **_options: Any) -> None:
        """Keep nothing."""


class Guard:
    """Who is let in."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._own_password = own_password(settings)
        self._keyring = Keyring(settings.secret_key)
        self._database = database

    async def admits(self, user: str, password: str) -> bool:
        """Whether the password is the user's."""
        if user == INGEST_USER:
            return hmac.compare_digest(password, self._own_password)
        connector_id = try_decode_id("con", user)
        if connector_id is None:
            return False
        async with self._database.unit_of_work() as uow:
            return await repository.authenticate(uow, connector_id, self._keyring.digest("connector", password))


class Access(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]
    """Our access rules, as amqtt asks for them."""

    guard: Guard

    async def authenticate(self, *, session: Session) -> bool:
        """Let in whoever shows the right password, under a client id and with a last will of his own."""
        user, password = session.username or "", session.password or ""
        is_own_id = user == INGEST_USER or (session.client_id or user).startswith(user)
        is_own_will = not session.will_flag or may(user, Action.PUBLISH, session.will_topic or "")
        # Kept by session and not by its user name: amqtt gives a session the name of whoever claims its client id next,
        # before it asks whether to let him in.
        if (
            session.attributes.get(_USER, user) != user
            or not is_own_id
            or not is_own_will
            or not await self.guard.admits(user, password)
        ):
            log.warning("infra.broker.refused", user=user[:64])
            return False
        session.attributes[_USER] = user
        return True

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Keep everybody below his own root."""
        user = None if session is None else session.attributes.get(_USER)
        return user is not None and topic is not None and action is not None and may(user, action, topic)
