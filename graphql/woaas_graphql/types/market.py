"""The capacity market: each side of a deal as that side may see it."""

from woaas_capacity_market.inputs import ListPrice
from woaas_capacity_market.resources import BOARD, CONTRACT, LISTING, QUOTE, REQUEST
from woaas_capacity_market.resources import NDA as NDA_RESOURCE
from woaas_capacity_market.showing import show_side
from woaas_graphql.nodes import Kind
from woaas_graphql.shapes import shows, struct_type
from woaas_graphql.types.links import MONEY, LazyOperation, LazyOrder, etag, link, operation_of, order_of

LISTING_KIND = Kind(LISTING)
REQUEST_KIND = Kind(REQUEST)
QUOTE_KIND = Kind(QUOTE, show_side, ("party",))
CONTRACT_KIND = Kind(CONTRACT, show_side, ("party",))


@shows(LISTING_KIND, {"price": struct_type(ListPrice)})
class Listing:
    """Capacity put on the market."""

    etag: str | None = link(etag, "What `ifMatch` takes")


@shows(REQUEST_KIND, {"max_price": MONEY})
class MarketRequest:
    """A request for outside capacity."""

    etag: str | None = link(etag, "What `ifMatch` takes")
    operation: LazyOperation | None = link(operation_of, "What is to be made outside")
    work_order: LazyOrder | None = link(order_of, "The order it belongs to")


@shows(Kind(BOARD))
class Teaser:
    """A request as the board shows it: classes, a band, a window; nobody's name."""


@shows(Kind(NDA_RESOURCE))
class NDA:
    """A signed confidentiality agreement with what it opens."""


@shows(QUOTE_KIND, {"price": MONEY})
class Quote:
    """An offer as your side sees it; `withinMaxPrice` is the buyer's alone."""

    etag: str | None = link(etag, "What `ifMatch` takes")


@shows(CONTRACT_KIND, {"price": MONEY})
class Contract:
    """A deal as your side sees it."""

    etag: str | None = link(etag, "What `ifMatch` takes")
