"""`client.duration_models`: what closed operations teach about how long work takes."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read
from woaas._wire import Filter
from woaas.types.learning import DurationModel, NewDurationModel
from woaas.types.work_orders import Command


class DurationModels(Bound[M]):
    """Versions of the duration model."""

    @endpoint
    def train(self, **model: Unpack[NewDurationModel]) -> Request[DurationModel]:
        """Train one now, in the background; it comes into force if it foretells better."""
        return post("/v1/duration-models", DurationModel, model)

    @endpoint
    def get(self, id: str) -> Request[DurationModel]:
        """One version."""
        return read(path("/v1/duration-models/{}", id), DurationModel)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[DurationModel]:
        """Versions by filter; `state="in_force"` is the one plans use."""
        return listing_of("/v1/duration-models", DurationModel, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def promote(self, id: str, **command: Unpack[Command]) -> Request[DurationModel]:
        """Put a candidate into force."""
        return post(path("/v1/duration-models/{}/promote", id), DurationModel, command)

    @endpoint
    def rollback(self, id: str, **command: Unpack[Command]) -> Request[DurationModel]:
        """Go back to a version that was in force before."""
        return post(path("/v1/duration-models/{}/rollback", id), DurationModel, command)

    @endpoint
    def retire(self, id: str, **command: Unpack[Command]) -> Request[DurationModel]:
        """Plan by standard times again."""
        return post(path("/v1/duration-models/{}/retire", id), DurationModel, command)
