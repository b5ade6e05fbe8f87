"""`client.promises`: when an order could be done, and capacity held for it."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read
from woaas._wire import Filter
from woaas.types.promises import NewPromise, Promise, PromisedOrder
from woaas.types.work_orders import Command


class Promises(Bound[M]):
    """Promises."""

    @endpoint
    def create(self, work_order: PromisedOrder, **promise: Unpack[NewPromise]) -> Request[Promise]:
        """Ask when an order could be done; enter it with `promise_id` to take a reservation over."""
        return post("/v1/promises", Promise, {"work_order": dict(work_order), **promise})

    @endpoint
    def get(self, id: str) -> Request[Promise]:
        """One promise."""
        return read(path("/v1/promises/{}", id), Promise)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Promise]:
        """Promises by filter."""
        return listing_of("/v1/promises", Promise, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def release(self, id: str, **command: Unpack[Command]) -> Request[Promise]:
        """Give a reservation back."""
        return post(path("/v1/promises/{}/release", id), Promise, command)
