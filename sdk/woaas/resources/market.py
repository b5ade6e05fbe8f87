"""`client.market`: offer capacity, find capacity, and carry a contract through."""

from __future__ import annotations

from functools import cached_property
from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Call, Request, path, post, read, write
from woaas._wire import Filter
from woaas.types import market as t
from woaas.types.billing import Settlement
from woaas.types.work_orders import Command


class CapacityListings(Bound[M]):
    """Capacity on offer by the caller's factory."""

    @endpoint
    def create(self, **fields: Unpack[t.ListingFields]) -> Request[t.CapacityListing]:
        """Offer capacity."""
        return post("/v1/market/listings", t.CapacityListing, fields)

    @endpoint
    def get(self, id: str) -> Request[t.CapacityListing]:
        """One listing."""
        return read(path("/v1/market/listings/{}", id), t.CapacityListing)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[t.CapacityListing]:
        """Listings by filter."""
        return listing_of("/v1/market/listings", t.CapacityListing, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def replace(self, id: str, **fields: Unpack[t.ListingFields]) -> Request[t.CapacityListing]:
        """Offer something else under the same id; contracts already made keep their windows."""
        return write("PUT", path("/v1/market/listings/{}", id), t.CapacityListing, fields)

    @endpoint
    def pause(self, id: str, **command: Unpack[Command]) -> Request[t.CapacityListing]:
        """Take it from the market for now."""
        return post(path("/v1/market/listings/{}/pause", id), t.CapacityListing, command)

    @endpoint
    def resume(self, id: str, **command: Unpack[Command]) -> Request[t.CapacityListing]:
        """Offer it again."""
        return post(path("/v1/market/listings/{}/resume", id), t.CapacityListing, command)

    @endpoint
    def close(self, id: str, **command: Unpack[Command]) -> Request[t.CapacityListing]:
        """Take it from the market for good."""
        return post(path("/v1/market/listings/{}/close", id), t.CapacityListing, command)


class MarketRequests(Bound[M]):
    """Work to be done elsewhere."""

    @endpoint
    def create(self, **fields: Unpack[t.NewMarketRequest]) -> Request[t.MarketRequest]:
        """A draft for one operation."""
        return post("/v1/market/requests", t.MarketRequest, fields)

    @endpoint
    def get(self, id: str) -> Request[t.MarketRequest]:
        """One request."""
        return read(path("/v1/market/requests/{}", id), t.MarketRequest)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[t.MarketRequest]:
        """Requests by filter."""
        return listing_of("/v1/market/requests", t.MarketRequest, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def publish(self, id: str, **command: Unpack[Command]) -> Request[t.MarketRequest]:
        """Put its teaser on the board."""
        return post(path("/v1/market/requests/{}/publish", id), t.MarketRequest, command)

    @endpoint
    def withdraw(self, id: str, **command: Unpack[Command]) -> Request[t.MarketRequest]:
        """Take it back."""
        return post(path("/v1/market/requests/{}/withdraw", id), t.MarketRequest, command)

    @endpoint
    def cancel(self, id: str, **command: Unpack[Command]) -> Request[t.MarketRequest]:
        """End it."""
        return post(path("/v1/market/requests/{}/cancel", id), t.MarketRequest, command)

    @listing
    def candidates(self, id: str) -> Listing[t.MarketCandidate]:
        """Listings that fit, best first, with the terms of their score."""
        return listing_of(path("/v1/market/requests/{}/candidates", id), t.MarketCandidate)

    @endpoint
    def sign_nda(self, id: str, signature: str, **call: Unpack[Call]) -> Request[t.NDA]:
        """As a partner: agree to keep its details to oneself; the answer holds what that opens."""
        return post(path("/v1/market/requests/{}/nda", id), t.NDA, {**call, "signature": signature})

    @endpoint
    def quote(self, id: str, **offer: Unpack[t.Offer]) -> Request[t.Quote]:
        """As a partner: offer a price and a lead time."""
        return post(path("/v1/market/requests/{}/quotes", id), t.Quote, offer)

    @listing
    def quotes(self, id: str, *, limit: int | None = None, cursor: str | None = None) -> Listing[t.Quote]:
        """The offers on it."""
        return listing_of(path("/v1/market/requests/{}/quotes", id), t.Quote, {"limit": limit, "cursor": cursor})

    @endpoint
    def award(self, id: str, quote_id: str, **command: Unpack[Command]) -> Request[t.Contract]:
        """Make the contract and commit the capacity, at once or not at all (`capacity_taken`)."""
        return post(path("/v1/market/requests/{}/award", id), t.Contract, {**command, "quote_id": quote_id})


class Quotes(Bound[M]):
    """Offers on requests."""

    @endpoint
    def get(self, id: str) -> Request[t.Quote]:
        """One offer."""
        return read(path("/v1/market/quotes/{}", id), t.Quote)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[t.Quote]:
        """Offers given and received, by filter."""
        return listing_of("/v1/market/quotes", t.Quote, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def accept(self, id: str, **command: Unpack[Command]) -> Request[t.Quote]:
        """Fix its terms."""
        return post(path("/v1/market/quotes/{}/accept", id), t.Quote, command)

    @endpoint
    def counter(self, id: str, **offer: Unpack[t.Offer]) -> Request[t.Quote]:
        """Answer with other terms."""
        return post(path("/v1/market/quotes/{}/counter", id), t.Quote, offer)

    @endpoint
    def decline(self, id: str, **command: Unpack[Command]) -> Request[t.Quote]:
        """Say no."""
        return post(path("/v1/market/quotes/{}/decline", id), t.Quote, command)

    @endpoint
    def withdraw(self, id: str, **command: Unpack[Command]) -> Request[t.Quote]:
        """Take one's offer back."""
        return post(path("/v1/market/quotes/{}/withdraw", id), t.Quote, command)


class Contracts(Bound[M]):
    """Contracts, as the caller's party sees them; the other party's commands are refused with `wrong_party`."""

    @endpoint
    def get(self, id: str) -> Request[t.Contract]:
        """One contract."""
        return read(path("/v1/market/contracts/{}", id), t.Contract)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[t.Contract]:
        """Contracts by filter."""
        return listing_of("/v1/market/contracts", t.Contract, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def release_package(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Buyer: let the partner see the drawings."""
        return _command(id, "package", command)

    @endpoint
    def accept(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Partner: take the work."""
        return _command(id, "accept", command)

    @endpoint
    def start(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Partner: begin."""
        return _command(id, "start", command)

    @endpoint
    def report(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Partner: say what is done."""
        return _command(id, "report", command)

    @endpoint
    def ship(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Partner: send it."""
        return _command(id, "ship", command)

    @endpoint
    def receive(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Buyer: it has come."""
        return _command(id, "receive", command)

    @endpoint
    def inspect(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Buyer: pass, rework or reject it."""
        return _command(id, "inspect", command)

    @endpoint
    def accept_delivery(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Buyer: take it over."""
        return _command(id, "accept-delivery", command)

    @endpoint
    def settle(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Buyer: pay it."""
        return _command(id, "settle", command)

    @endpoint
    def close(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Buyer: nothing is open any more."""
        return _command(id, "close", command)

    @endpoint
    def cancel(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Buyer: end it."""
        return _command(id, "cancel", command)

    @endpoint
    def dispute(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Either: something is wrong."""
        return _command(id, "dispute", command)

    @endpoint
    def resolve(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Either: it is mended."""
        return _command(id, "resolve", command)

    @endpoint
    def package(self, id: str) -> Request[t.Package]:
        """What the partner was given; the partner's reading is recorded in both logs."""
        return read(path("/v1/market/contracts/{}/package", id), t.Package)

    @endpoint
    def download_token(self, id: str, file_id: str) -> Request[t.DownloadToken]:
        """A one-time link to one of them; the download is watermarked and audited."""
        return post(path("/v1/market/contracts/{}/package/files/{}/download-tokens", id, file_id), t.DownloadToken)

    @endpoint
    def attest_destruction(self, id: str, **command: Unpack[t.ContractCommand]) -> Request[t.Contract]:
        """Partner: the files are gone."""
        return _command(id, "attest-destruction", command)


class Market(Bound[M]):
    """The capacity market."""

    @cached_property
    def listings(self) -> CapacityListings[M]:
        """Supply."""
        return CapacityListings(self._executor)

    @cached_property
    def requests(self) -> MarketRequests[M]:
        """Demand."""
        return MarketRequests(self._executor)

    @cached_property
    def quotes(self) -> Quotes[M]:
        """Offers."""
        return Quotes(self._executor)

    @cached_property
    def contracts(self) -> Contracts[M]:
        """Contracts."""
        return Contracts(self._executor)

    @listing
    def board(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[t.Teaser]:
        """What partners are looking for, as teasers."""
        return listing_of("/v1/market/board", t.Teaser, {"limit": limit, "cursor": cursor, **filters})

    @listing
    def settlements(self, *, limit: int | None = None, cursor: str | None = None) -> Listing[Settlement]:
        """What contracts paid or earned."""
        return listing_of("/v1/billing/settlements", Settlement, {"limit": limit, "cursor": cursor})

    @endpoint
    def scorecard(self, party: str) -> Request[t.Scorecard]:
        """How a party one has worked with has done."""
        return read(path("/v1/market/scorecards/{}", party), t.Scorecard)


def _command(id: str, name: str, command: t.ContractCommand) -> Request[t.Contract]:
    return post(path("/v1/market/contracts/{}/{}", id, name), t.Contract, command)
