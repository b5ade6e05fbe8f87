"""`client.signatures`: who stands behind a record."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read
from woaas._wire import Filter
from woaas.types.signatures import NewSignature, Signature


class Signatures(Bound[M]):
    """Electronic signatures under work orders and operations."""

    @endpoint
    def create(self, **signature: Unpack[NewSignature]) -> Request[Signature]:
        """Sign a record as it is now; the signer shows once more to be himself.

        Raises:
            AuthenticationError: a wrong password or code.
            RateLimitError: too soon after wrong ones.
            ConflictError: he has signed it already (`four_eyes`).
        """
        return post("/v1/signatures", Signature, signature)

    @endpoint
    def get(self, id: str) -> Request[Signature]:
        """One signature."""
        return read(path("/v1/signatures/{}", id), Signature)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Signature]:
        """Signatures by filter, invalidated ones too."""
        return listing_of("/v1/signatures", Signature, {"limit": limit, "cursor": cursor, **filters})
