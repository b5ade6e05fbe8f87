"""`client.duration_models`, `client.forecasts`, `client.proposals`: what the planner learned, foresees and proposes."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read
from woaas._wire import Filter
from woaas.types.learning import DurationModel, Forecast, NewDurationModel, NewForecast, Proposal
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


class Proposals(Bound[M]):
    """New plans that delays and breakdowns led to."""

    @endpoint
    def get(self, id: str) -> Request[Proposal]:
        """One, with old and new times by operation and order."""
        return read(path("/v1/proposals/{}", id), Proposal)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Proposal]:
        """Proposals by filter; `state="open"` are those to decide on."""
        return listing_of("/v1/proposals", Proposal, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def accept(self, id: str, **command: Unpack[Command]) -> Request[Proposal]:
        """Publish the proposed plan."""
        return post(path("/v1/proposals/{}/accept", id), Proposal, command)

    @endpoint
    def reject(self, id: str, **command: Unpack[Command]) -> Request[Proposal]:
        """Keep the plan in force; a `reason` is required."""
        return post(path("/v1/proposals/{}/reject", id), Proposal, command)


class Forecasts(Bound[M]):
    """Expected demand as virtual work orders."""

    @endpoint
    def create(self, **forecast: Unpack[NewForecast]) -> Request[Forecast]:
        """Enter `buckets`, or have them computed in the background from the orders so far."""
        return post("/v1/forecasts", Forecast, forecast)

    @endpoint
    def get(self, id: str) -> Request[Forecast]:
        """One, with its buckets and what real orders have used up of them."""
        return read(path("/v1/forecasts/{}", id), Forecast)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Forecast]:
        """Forecasts by filter."""
        return listing_of("/v1/forecasts", Forecast, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def cancel(self, id: str, **command: Unpack[Command]) -> Request[Forecast]:
        """Call off what is left of it."""
        return post(path("/v1/forecasts/{}/cancel", id), Forecast, command)
