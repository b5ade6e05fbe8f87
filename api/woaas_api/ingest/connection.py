"""The one place that connects to brokers: to which address, with which certificate, under which name."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hmac import digest
from typing import Any
from uuid import UUID

from aiomqtt import Client, Message, MqttError

from woaas_core.errors import Invalid, SSRFBlocked
from woaas_core.ids import encode_id
from woaas_core.outbound.addresses import MQTT_PORTS, GuardedAddress, guarded_address
from woaas_core.settings import MQTT_HOST, Settings
from woaas_security.identity.keyring import Keyring

INGEST_USER = "woaas-ingest"
UNREACHABLE = (MqttError, OSError, SSRFBlocked, Invalid)
_TIMEOUT_S = 10.0
_KEEPALIVE_S = 30


class BrokerClient(Client):
    """A client that acknowledges a message when told to: what was not taken in yet comes again."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._client.manual_ack_set(True)

    def acknowledge(self, message: Message) -> None:
        """Let the broker forget a message."""
        self._client.ack(message.mid, message.qos)


class _NamedContext(ssl.SSLContext):
    """Checks the certificate for a name although the connection goes to an address."""

    name: str

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**options, "server_hostname": self.name})


def client_id(settings: Settings, connector_id: UUID, *, probe: bool = False) -> str:
    """The name a connector's session has at a broker: the same after each start, and nobody else's to guess."""
    secret = digest(settings.secret_key, f"mqtt {connector_id} {probe}".encode(), "sha256").hex()[:24]
    return f"woaas-{secret}"


def own_password(settings: Settings) -> str:
    """What this installation's own clients show its own broker."""
    return digest(settings.secret_key, b"own broker", "sha256").hex()


@asynccontextmanager
async def connected(settings: Settings, connector: Any, *, probe: bool = False) -> AsyncIterator[BrokerClient]:
    """A connection to a connector's broker; its session outlives it, but for a probe's.

    Raises:
        SSRFBlocked: the broker is at an address that is not called from here.
        MqttError, OSError: not reached, or not let in.
        Invalid: there is no such broker here, or its certificates cannot be read.
    """
    async with await _client(settings, connector, probe=probe) as client:
        yield client


async def _client(settings: Settings, connector: Any, *, probe: bool) -> BrokerClient:
    options: dict[str, Any] = {
        "identifier": client_id(settings, connector["id"], probe=probe),
        "clean_session": probe,
        "timeout": _TIMEOUT_S,
        "keepalive": _KEEPALIVE_S,
    }
    broker = connector["broker"]
    address = await _address(settings, broker)
    if broker is None:
        own = {"username": INGEST_USER, "password": own_password(settings)}
        return BrokerClient(address.ip, address.port, **own, **options)
    sealed = connector["password"]
    opened = None if sealed is None else Keyring(settings.secret_key).open(sealed, encode_id("con", connector["id"]))
    if sealed is not None and opened is None:
        msg = "The stored password was sealed under another secret key; send it again."
        raise Invalid(msg)
    return BrokerClient(
        address.ip,
        address.port,
        username=broker["username"],
        password=None if opened is None else opened.decode(),
        tls_context=_tls(address.host, broker["ca_certificate"]) if broker["tls"] else None,
        **options,
    )


async def _address(settings: Settings, broker: Any) -> GuardedAddress:
    if broker is not None:
        return await guarded_address(broker["host"], broker["port"], outbound=settings.outbound, ports=MQTT_PORTS)
    if not settings.mqtt_port:
        msg = "This installation runs no broker of its own; name the plant's."
        raise Invalid(msg)
    return GuardedAddress(MQTT_HOST, MQTT_HOST, settings.mqtt_port)


def _tls(name: str, authority: str | None) -> ssl.SSLContext:
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.name = name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cadata=authority)
    except (ssl.SSLError, ValueError):
        msg = "The CA certificate is not PEM."
        raise Invalid(msg) from None
    return context


async def reach(settings: Settings, connector: Any) -> None:
    """Open a connection to a connector's broker and close it again: whether it is there at all.

    Raises:
        SSRFBlocked, OSError, Invalid: it is not.
    """
    address = await _address(settings, connector["broker"])
    async with asyncio.timeout(_TIMEOUT_S):
        _, writer = await asyncio.open_connection(address.ip, address.port)
    writer.close()


def why(error: BaseException) -> str:
    """In words, why a broker was not reached."""
    return str(getattr(error, "detail", None) or str(error) or type(error).__name__)[:500]
