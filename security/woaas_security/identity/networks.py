"""The networks a key may be used from. Pure."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

from woaas_core.wire import invalid


def checked(networks: Sequence[str], pointer: str = "/networks") -> list[str]:
    """CIDR blocks in their normal form.

    Raises:
        Invalid: one is no address block.
    """
    found = []
    for place, text in enumerate(networks):
        try:
            found.append(str(ip_network(text.strip())))
        except ValueError:
            detail = f"{text!r} is no network; write it like 203.0.113.0/24, without host bits."
            raise invalid(f"{pointer}/{place}", "invalid", detail) from None
    return found


def admit(networks: Sequence[str], address: str) -> bool:
    """Whether an address is in one of the networks; without networks every one is, an unknown one never."""
    if not networks:
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in ip_network(one) for one in networks)
