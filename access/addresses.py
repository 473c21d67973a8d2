"""Which addresses this server may call: pure rules, no network.

`ipaddress.is_global` is not enough: it calls multicast, NAT64, 6to4 and IPv4-compatible addresses global, and
each of those can lead back into the network this server stands in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Cloud metadata: whoever reads these owns the machine's credentials. No setting opens them.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16",  # link-local, with AWS, Google and Azure metadata on .169.254
        "fe80::/10",
        "fd00:ec2::/32",  # AWS over IPv6
        "100.100.100.200/32",  # Alibaba
        "192.0.0.192/32",  # Oracle
        "168.63.129.16/32",  # Azure's host agent
    )
)
_DENIED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "::/96",  # IPv4-compatible, and the unspecified address
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, local use
        "100::/64",  # discard
        "2001::/23",  # Teredo and other protocol assignments
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # site-local
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
    )
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What `OUTBOUND_ALLOW` opens: names with a port, and networks."""

    places: frozenset[tuple[str, int]]
    networks: tuple[Network, ...]

    def place(self, host: str, port: int) -> bool:
        """A name (or literal address) with its port: opens both, whatever the name resolves to."""
        return (host.lower().rstrip("."), port) in self.places

    def address(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self.networks)


@lru_cache(maxsize=8)
def parse_allowed(entries: tuple[str, ...]) -> Allowed:
    """Entries are `host:port`, `[v6]:port`, an address or a network. Raises ValueError naming the bad one."""
    places, networks = set(), []
    for entry in filter(None, (text.strip() for text in entries)):
        host, _, port = entry.rpartition(":")
        if port.isdecimal() and host and (":" not in host or host.startswith("[")):
            places.add((host.strip("[]").lower().rstrip("."), int(port)))
            continue
        try:
            networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
        except ValueError as bad:
            raise ValueError(
                f"OUTBOUND_ALLOW holds '{entry}', which is neither host:port nor a network such as 10.1.0.0/16."
            ) from bad
    return Allowed(frozenset(places), tuple(networks))


def never(address: Address) -> bool:
    """A metadata or link-local address, plainly or inside an IPv6 transition address."""
    return any(_within(inner, _NEVER) for inner in _embedded(address))


def denied(address: Address) -> bool:
    """Not on the public Internet: refused unless `OUTBOUND_ALLOW` opens it."""
    return any(
        not inner.is_global or inner.is_multicast or inner.is_reserved or _within(inner, _DENIED)
        for inner in _embedded(address)
    )


def plain(address: Address) -> Address:
    """`::ffff:10.0.0.1` is 10.0.0.1: the rules for IPv4 decide about it."""
    return getattr(address, "ipv4_mapped", None) or address


def _embedded(address: Address) -> Iterator[Address]:
    """The address and every IPv4 address that a transition mechanism would send its packets to."""
    address = plain(address)
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if _within(address, _LAST_32_BITS):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


_LAST_32_BITS = tuple(ipaddress.ip_network(text) for text in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48"))


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
