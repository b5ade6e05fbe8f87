"""Which addresses this service connects to when a tenant names the host: resolve once, judge, then connect to that.

A name is resolved exactly once and the answer is what is connected to, so that a name which answers differently the
second time (DNS rebinding) gains nothing. Public addresses are open on a few ports; anything else only where the
setting ``WOAAS_OUTBOUND_NETWORKS`` lists its network.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from woaas_core.errors import SSRFBlocked

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[list[str]]]

WEB_PORTS = frozenset({443, 8443})
MQTT_PORTS = frozenset({443, 8443, 8883, 8884})
RESOLVE_TIMEOUT_S = 5.0

# IANA's special-purpose registries, and addresses at which clouds answer their own guests.
_REFUSED = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "168.63.129.16/32",
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    )
)  # fmt: skip
# Outside of it lie loopback, link-local, unique local, multicast, and what wraps an IPv4 address (mapped, NAT64).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_NUMERIC = re.compile(r"\d+|0x[0-9a-f]*", re.ASCII)
_LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa", "onion")


class GuardedAddress(NamedTuple):
    """Where to connect: an address that was judged, and the name that certificates and Host headers are about."""

    host: str
    ip: str
    port: int


class Outbound(NamedTuple):
    """What may be reached besides public addresses: networks an operator has listed."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Outbound":
        """Read networks separated by commas.

        Raises:
            ValueError: one is not a network such as 10.20.0.0/16.
        """
        return cls(tuple(ip_network(part.strip()) for part in text.split(",") if part.strip()))

    def lists(self, address: Address) -> bool:
        """Whether an operator has listed the address."""
        return any(address.version == n.version and address in n for n in self.networks)


async def resolved(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system's resolver has them."""
    async with asyncio.timeout(RESOLVE_TIMEOUT_S):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


async def guarded_address(
    host: str,
    port: int,
    *,
    outbound: Outbound,
    ports: frozenset[int] = WEB_PORTS,
    public: bool = True,
    resolve: Resolve = resolved,
) -> GuardedAddress:
    """The address to connect to for a host that a tenant named; connect to its ``ip`` and nothing else.

    ``ports`` are those open on public addresses; without ``public`` only listed networks are. A name with several
    addresses is refused if any of them is.

    Raises:
        SSRFBlocked: the name or one of its addresses is not for us.
        OSError: the name has no address.
    """
    name = checked_host(host, outbound)
    literal = _literal(name)
    answers = [literal] if literal else [_parsed(a) for a in await resolve(name, port)]
    if not answers:
        msg = f"{host!r} has no address."
        raise OSError(msg)
    for address in answers:
        if not _is_open(address, port, outbound, ports if public else frozenset()):
            raise _blocked(host)
    return GuardedAddress(name, str(answers[0]), port)


def checked_host(host: str, outbound: Outbound) -> str:
    """A host as its certificate names it, refused where even its spelling is suspicious; asks no resolver.

    Raises:
        SSRFBlocked: not a plain name or address, or a name that is only known inside a network.
    """
    name = host.lower().strip("[]") if host.startswith("[") and host.endswith("]") else host.lower()
    literal = _literal(name)
    if literal is not None:
        if not _is_public(literal) and not outbound.lists(literal):
            raise _blocked(host)
        return name
    labels = name.removesuffix(".").split(".")
    # 0x7f.1, 017700000001 and 2130706433 are addresses to a resolver, and names to whoever reads them.
    is_plain = len(name) <= 253 and all(_LABEL.fullmatch(part) for part in labels)
    if not is_plain or _NUMERIC.fullmatch(labels[-1]):
        raise _blocked(host)
    is_local = len(labels) == 1 or any(name.removesuffix(".").endswith(f".{local}") for local in _LOCAL_NAMES)
    if is_local and not outbound.networks:
        raise _blocked(host)
    return name


def _is_open(address: Address, port: int, outbound: Outbound, ports: frozenset[int]) -> bool:
    return outbound.lists(address) or (port in ports and _is_public(address))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.scope_id is not None or address not in _GLOBAL_UNICAST):
        return False
    return not any(address.version == n.version and address in n for n in _REFUSED)


def _literal(name: str) -> Address | None:
    """An address written as one: four decimal numbers without leading zeros, or IPv6."""
    try:
        return ip_address(name)
    except ValueError:
        return None


def _parsed(text: str) -> Address:
    return ip_address(text)


def _blocked(host: str) -> SSRFBlocked:
    return SSRFBlocked(f"{host[:100]!r} is not an address that is called from here.")
