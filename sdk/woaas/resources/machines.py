"""`client.connectors`: where machine data comes from, and whether it does."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read, write
from woaas._wire import Filter
from woaas.types.machines import BrokerCredentials, Connector, ConnectorFields, SelfTest
from woaas.types.work_orders import Command


class Connectors(Bound[M]):
    """Connectors."""

    @endpoint
    def put(self, code: str, **connector: Unpack[ConnectorFields]) -> Request[Connector]:
        """Create or replace one; a new one is followed at once."""
        return write("PUT", path("/v1/connectors/{}", code), Connector, connector)

    @endpoint
    def get(self, code: str) -> Request[Connector]:
        """One by code or id."""
        return read(path("/v1/connectors/{}", code), Connector)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Connector]:
        """Connectors by filter."""
        return listing_of("/v1/connectors", Connector, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def enable(self, code: str, **command: Unpack[Command]) -> Request[Connector]:
        """Follow it again."""
        return post(path("/v1/connectors/{}/enable", code), Connector, command)

    @endpoint
    def disable(self, code: str, **command: Unpack[Command]) -> Request[Connector]:
        """Stop following it."""
        return post(path("/v1/connectors/{}/disable", code), Connector, command)

    @endpoint
    def issue_credentials(self, code: str, **command: Unpack[Command]) -> Request[BrokerCredentials]:
        """A new password for the platform's own broker, shown once; the one before ends."""
        return post(path("/v1/connectors/{}/credentials", code), BrokerCredentials, command)

    @endpoint
    def test(self, code: str, **command: Unpack[Command]) -> Request[SelfTest]:
        """Let it test itself; where that takes longer than two seconds, `last_test` has the end."""
        return post(path("/v1/connectors/{}/test", code), SelfTest, command)

    @endpoint
    def last_test(self, code: str) -> Request[SelfTest]:
        """The last self-test."""
        return read(path("/v1/connectors/{}/test", code), SelfTest)
