"""The capacity market: listings, requests, the board, quotes and contracts."""

from typing import Any

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import Route, route
from woaas_api.rest.schemas.market import (
    CandidateView,
    ContractView,
    ListingView,
    NDAView,
    PackageView,
    QuoteView,
    RequestView,
    TeaserView,
)
from woaas_capacity_market import candidates, contracts, listings, packages, quotes, repository, requests
from woaas_capacity_market.inputs import (
    Award,
    ContractCommandBody,
    NDASignature,
    NewListing,
    NewQuote,
    NewRequest,
    Reasoned,
    Terms,
)
from woaas_capacity_market.lifecycle import CONTRACT_COMMANDS
from woaas_capacity_market.resources import BOARD, CONTRACT, LISTING, NDA, QUOTE, REQUEST
from woaas_capacity_market.showing import show_side
from woaas_core.ids import decode_id, encode_id
from woaas_security.authz.resource import Resource

TAG = "Capacity market"


def _show(call: Call, resource: Resource, row: Any) -> dict[str, Any]:
    access = call.principal.access(resource)
    if resource in (QUOTE, CONTRACT):
        return show_side(call.principal, access, row)
    return call.principal.show(access, row)


@route("POST", "/market/listings", tag=TAG, status=201)
async def create_listing(call: Call, body: NewListing) -> Answer[ListingView]:
    """Put capacity on the market."""
    row = await listings.create(call.uow, call.principal, body)
    return Answer(_show(call, LISTING, row), 201, f"/v1/market/listings/{encode_id('lst', row['id'])}")


@route("GET", "/market/listings", tag=TAG)
async def list_listings(call: Call) -> Answer[Listed[ListingView]]:
    """List your own listings, newest first."""
    return await call.page(LISTING)


@route("GET", "/market/listings/{key}", tag=TAG)
async def get_listing(call: Call, key: str) -> Answer[ListingView]:
    """Read a listing of your own."""
    return Answer(_show(call, LISTING, await listings.get(call.uow, call.principal, decode_id("lst", key))))


@route("PUT", "/market/listings/{key}", tag=TAG)
async def put_listing(call: Call, key: str, body: NewListing) -> Answer[ListingView]:
    """Replace a listing; contracts already made keep their windows."""
    listing_id = decode_id("lst", key)
    before = await listings.get(call.uow, call.principal, listing_id)
    call.require_match(lambda: _show(call, LISTING, before))
    return Answer(_show(call, LISTING, await listings.replace(call.uow, call.principal, listing_id, body)))


def _listing_command(name: str) -> Route:
    async def run(call: Call, key: str, body: Reasoned) -> Answer[ListingView]:
        listing_id = decode_id("lst", key)
        before = await listings.get(call.uow, call.principal, listing_id)
        call.require_match(lambda: _show(call, LISTING, before))
        call.uow.reason = body.reason or None
        return Answer(_show(call, LISTING, await listings.command(call.uow, call.principal, listing_id, name)))

    run.__doc__ = f"{name.capitalize()} a listing."
    return route("POST", f"/market/listings/{{key}}/{name}", tag=TAG, name=f"{name}_listing")(run)


@route("POST", "/market/requests", tag=TAG, status=201)
async def create_market_request(call: Call, body: NewRequest) -> Answer[RequestView]:
    """Draft a request for outside capacity for an operation that has not started."""
    row = await requests.create(call.uow, call.principal, body)
    return Answer(_show(call, REQUEST, row), 201, f"/v1/market/requests/{encode_id('mrq', row['id'])}")


@route("GET", "/market/requests", tag=TAG)
async def list_market_requests(call: Call) -> Answer[Listed[RequestView]]:
    """List your own requests, newest first."""
    return await call.page(REQUEST)


@route("GET", "/market/requests/{key}", tag=TAG)
async def get_market_request(call: Call, key: str) -> Answer[RequestView]:
    """Read a request of your own."""
    return Answer(_show(call, REQUEST, await requests.get(call.uow, call.principal, decode_id("mrq", key))))


def _request_command(name: str) -> Route:
    async def run(call: Call, key: str, body: Reasoned) -> Answer[RequestView]:
        request_id = decode_id("mrq", key)
        before = await requests.get(call.uow, call.principal, request_id)
        call.require_match(lambda: _show(call, REQUEST, before))
        call.uow.reason = body.reason or None
        return Answer(_show(call, REQUEST, await requests.command(call.uow, call.principal, request_id, name)))

    run.__doc__ = f"{name.capitalize()} a request.\n\nAnswers 409 with `allowed_commands` where its state forbids it."
    return route("POST", f"/market/requests/{{key}}/{name}", tag=TAG, name=f"{name}_market_request")(run)


@route("GET", "/market/requests/{key}/candidates", tag=TAG, paging=())
async def list_candidates(call: Call, key: str) -> Answer[Listed[CandidateView]]:
    """List who could take the operation, best first, with the terms of each score for who reads what they tell of.

    Answers 409 `export_controlled` for an order that must not leave the house.
    """
    found = await candidates.find(call.uow, call.principal, decode_id("mrq", key))
    tells_why = candidates.tells_why(call.principal)
    data = [
        {
            "listing_id": encode_id("lst", c.listing_id),
            "counterparty": encode_id("pty", c.party_id),
            "score": c.score,
            **({"terms": c.terms, "explanation": c.explanation} if tells_why else {}),
        }
        for c in found
    ]
    return Answer({"data": data, "next_cursor": None})


@route("GET", "/market/board", tag=TAG)
async def list_board(call: Call) -> Answer[Listed[TeaserView]]:
    """List the teasers of other tenants' requests, newest first."""
    return await call.page(BOARD, where=[repository.still_open()], values={"now": call.uow.clock.now()})


@route("POST", "/market/requests/{key}/nda", tag=TAG, status=201)
async def sign_nda(call: Call, key: str, body: NDASignature) -> Answer[NDAView]:
    """Sign the confidentiality agreement of a request on the board; the answer holds what it opens."""
    row = await quotes.sign_nda(call.uow, call.principal, decode_id("mrq", key), body)
    return Answer(_show(call, NDA, row), 201 if call.uow.events else 200, f"/v1/market/requests/{key}/nda")


@route("GET", "/market/requests/{key}/nda", tag=TAG)
async def get_nda(call: Call, key: str) -> Answer[NDAView]:
    """Read the agreement you have signed for a request."""
    return Answer(_show(call, NDA, await quotes.get_nda(call.uow, call.principal, decode_id("mrq", key))))


@route("POST", "/market/requests/{key}/quotes", tag=TAG, status=201)
async def submit_quote(call: Call, key: str, body: NewQuote) -> Answer[QuoteView]:
    """Quote on a request of the board."""
    row = await quotes.submit(call.uow, call.principal, decode_id("mrq", key), body)
    return Answer(_show(call, QUOTE, row), 201, f"/v1/market/quotes/{encode_id('quo', row['id'])}")


@route("GET", "/market/requests/{key}/quotes", tag=TAG)
async def list_request_quotes(call: Call, key: str) -> Answer[Listed[QuoteView]]:
    """List the quotes on a request that you may see: all of your own request's, or your own on another's."""
    return await _side_page(call, QUOTE, where=[repository.of_request()], values={"request_id": decode_id("mrq", key)})


@route("GET", "/market/quotes", tag=TAG)
async def list_quotes(call: Call) -> Answer[Listed[QuoteView]]:
    """List quotes given and received, newest first."""
    return await _side_page(call, QUOTE)


@route("GET", "/market/quotes/{key}", tag=TAG)
async def get_quote(call: Call, key: str) -> Answer[QuoteView]:
    """Read a quote given or received."""
    return Answer(_show(call, QUOTE, await quotes.get(call.uow, call.principal, decode_id("quo", key))))


@route("POST", "/market/quotes/{key}/counter", tag=TAG)
async def counter_quote(call: Call, key: str, body: Terms) -> Answer[QuoteView]:
    """Answer an offer with other terms; the other side is next."""
    quote_id = decode_id("quo", key)
    before = await quotes.get(call.uow, call.principal, quote_id)
    call.require_match(lambda: _show(call, QUOTE, before))
    row = await quotes.command(call.uow, call.principal, quote_id, "counter", body)
    return Answer(_show(call, QUOTE, row))


def _quote_command(name: str) -> Route:
    async def run(call: Call, key: str, body: Reasoned) -> Answer[QuoteView]:
        quote_id = decode_id("quo", key)
        before = await quotes.get(call.uow, call.principal, quote_id)
        call.require_match(lambda: _show(call, QUOTE, before))
        call.uow.reason = body.reason or None
        return Answer(_show(call, QUOTE, await quotes.command(call.uow, call.principal, quote_id, name)))

    run.__doc__ = f"{name.capitalize()} a quote.\n\nWho did not make the standing offer answers it."
    return route("POST", f"/market/quotes/{{key}}/{name}", tag=TAG, name=f"{name}_quote")(run)


@route("POST", "/market/requests/{key}/award", tag=TAG, status=201)
async def award_market_request(call: Call, key: str, body: Award) -> Answer[ContractView]:
    """Award a request to a quote: makes the contract and commits the partner's capacity.

    Answers 409 `capacity_taken` where another award was faster.
    """
    call.uow.reason = body.reason or None
    quote_id = decode_id("quo", body.quote_id)
    row = await contracts.award(call.uow, call.principal, decode_id("mrq", key), quote_id)
    return Answer(_show(call, CONTRACT, row), 201, f"/v1/market/contracts/{encode_id('ctr', row['id'])}")


@route("GET", "/market/contracts", tag=TAG)
async def list_contracts(call: Call) -> Answer[Listed[ContractView]]:
    """List your contracts on either side, newest first."""
    return await _side_page(call, CONTRACT)


@route("GET", "/market/contracts/{key}", tag=TAG)
async def get_contract(call: Call, key: str) -> Answer[ContractView]:
    """Read a contract as your side sees it."""
    return Answer(_show(call, CONTRACT, await contracts.get(call.uow, call.principal, decode_id("ctr", key))))


@route("GET", "/market/contracts/{key}/package", tag=TAG)
async def get_package(call: Call, key: str) -> Answer[PackageView]:
    """Read the released data package; the partner's readings are recorded in both logs."""
    return Answer(await packages.read(call.uow, call.principal, decode_id("ctr", key)))


def _contract_command(name: str) -> Route:
    async def run(call: Call, key: str, body: ContractCommandBody) -> Answer[ContractView]:
        contract_id = decode_id("ctr", key)
        before = await contracts.get(call.uow, call.principal, contract_id)
        call.require_match(lambda: _show(call, CONTRACT, before))
        call.uow.reason = body.reason or None
        return Answer(_show(call, CONTRACT, await contracts.command(call.uow, call.principal, contract_id, name, body)))

    words = name.replace("-", " ")
    run.__doc__ = (
        f"{words.capitalize()}: one side's command on a contract.\n\n"
        "Answers 403 `wrong_party` where the other side must do it, 409 with `allowed_commands` by state."
    )
    return route("POST", f"/market/contracts/{{key}}/{name}", tag=TAG, name=f"{name.replace('-', '_')}_contract")(run)


async def _side_page(call: Call, resource: Resource, **options: Any) -> Answer[Any]:
    return await call.page(resource, columns=["party"], show=lambda row: _show(call, resource, row), **options)


ROUTES = (
    create_listing,
    list_listings,
    get_listing,
    put_listing,
    *(_listing_command(name) for name in sorted(listings.LISTING_COMMANDS)),
    create_market_request,
    list_market_requests,
    get_market_request,
    *(_request_command(name) for name in ("publish", "withdraw", "cancel")),
    list_candidates,
    list_board,
    sign_nda,
    get_nda,
    submit_quote,
    list_request_quotes,
    list_quotes,
    get_quote,
    counter_quote,
    *(_quote_command(name) for name in ("accept", "decline", "withdraw")),
    award_market_request,
    list_contracts,
    get_contract,
    get_package,
    *(_contract_command(name) for name in sorted(CONTRACT_COMMANDS)),
)
