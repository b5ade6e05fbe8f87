"""The plant and its people: every kind has `put`, `get`, `list` and `archive` by code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar, Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read, write
from woaas._wire import Filter
from woaas.types import plant as t
from woaas.types.work_orders import Command

KindT = TypeVar("KindT", bound=t.Master)


class MasterData(Bound[M], Generic[M, KindT]):
    """One kind of master data."""

    collection: ClassVar[str]
    kind: type[KindT]

    @endpoint
    def get(self, code: str) -> Request[KindT]:
        """One by code or id."""
        return read(path(f"{self.collection}/{{}}", code), self.kind)

    @listing
    def list(
        self,
        /,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: str | None = None,
        q: str | None = None,
        **filters: Filter,
    ) -> Listing[KindT]:
        """All, by filter."""
        return listing_of(
            self.collection, self.kind, {"limit": limit, "cursor": cursor, "sort": sort, "q": q, **filters}
        )

    @endpoint
    def archive(self, code: str, **command: Unpack[Command]) -> Request[KindT]:
        """Retire it: old orders keep it, new ones cannot use it."""
        return post(path(f"{self.collection}/{{}}/archive", code), self.kind, command)

    def _put(self, code: str, fields: Mapping[str, object]) -> Request[KindT]:
        return write("PUT", path(f"{self.collection}/{{}}", code), self.kind, {"code": code, **fields})


class Sites(MasterData[M, t.Site]):
    """Sites."""

    collection = "/v1/sites"
    kind = t.Site

    @endpoint
    def put(self, code: str, **fields: Unpack[t.SiteFields]) -> Request[t.Site]:
        """Create or replace a site."""
        return self._put(code, fields)


class Lines(MasterData[M, t.Line]):
    """Lines."""

    collection = "/v1/lines"
    kind = t.Line

    @endpoint
    def put(self, code: str, **fields: Unpack[t.LineFields]) -> Request[t.Line]:
        """Create or replace a line."""
        return self._put(code, fields)


class WorkCenters(MasterData[M, t.WorkCenter]):
    """Work centers."""

    collection = "/v1/work-centers"
    kind = t.WorkCenter

    @endpoint
    def put(self, code: str, **fields: Unpack[t.WorkCenterFields]) -> Request[t.WorkCenter]:
        """Create or replace a work center."""
        return self._put(code, fields)


class Calendars(MasterData[M, t.Calendar]):
    """Working calendars."""

    collection = "/v1/calendars"
    kind = t.Calendar

    @endpoint
    def put(self, code: str, **fields: Unpack[t.CalendarFields]) -> Request[t.Calendar]:
        """Create or replace a calendar."""
        return self._put(code, fields)


class Operators(MasterData[M, t.Operator]):
    """Operators."""

    collection = "/v1/operators"
    kind = t.Operator

    @endpoint
    def put(self, code: str, **fields: Unpack[t.OperatorFields]) -> Request[t.Operator]:
        """Create or replace an operator."""
        return self._put(code, fields)


class Tools(MasterData[M, t.Tool]):
    """Tools."""

    collection = "/v1/tools"
    kind = t.Tool

    @endpoint
    def put(self, code: str, **fields: Unpack[t.ToolFields]) -> Request[t.Tool]:
        """Create or replace a tool."""
        return self._put(code, fields)


class SetupMatrices(MasterData[M, t.SetupMatrix]):
    """Setup matrices."""

    collection = "/v1/setup-matrices"
    kind = t.SetupMatrix

    @endpoint
    def put(self, code: str, **fields: Unpack[t.SetupMatrixFields]) -> Request[t.SetupMatrix]:
        """Create or replace a setup matrix."""
        return self._put(code, fields)


class Materials(MasterData[M, t.Material]):
    """Materials and products."""

    collection = "/v1/materials"
    kind = t.Material

    @endpoint
    def put(self, code: str, **fields: Unpack[t.MaterialFields]) -> Request[t.Material]:
        """Create or replace a material."""
        return self._put(code, fields)


class MaterialLots(MasterData[M, t.MaterialLot]):
    """Material lots; the code is the lot's number."""

    collection = "/v1/material-lots"
    kind = t.MaterialLot

    @endpoint
    def put(self, lot: str, **fields: Unpack[t.MaterialLotFields]) -> Request[t.MaterialLot]:
        """Create or replace a lot."""
        return write("PUT", path("/v1/material-lots/{}", lot), t.MaterialLot, {"lot": lot, **fields})


class Routings(MasterData[M, t.Routing]):
    """Routings."""

    collection = "/v1/routings"
    kind = t.Routing

    @endpoint
    def put(self, code: str, **fields: Unpack[t.RoutingFields]) -> Request[t.Routing]:
        """Create or replace a routing."""
        return self._put(code, fields)


class Customers(MasterData[M, t.Customer]):
    """Customers."""

    collection = "/v1/customers"
    kind = t.Customer

    @endpoint
    def put(self, code: str, **fields: Unpack[t.MasterFields]) -> Request[t.Customer]:
        """Create or replace a customer."""
        return self._put(code, fields)


class Assets(MasterData[M, t.Asset]):
    """Assets under maintenance."""

    collection = "/v1/assets"
    kind = t.Asset

    @endpoint
    def put(self, code: str, **fields: Unpack[t.AssetFields]) -> Request[t.Asset]:
        """Create or replace an asset."""
        return self._put(code, fields)
