"""The market and the bill through the graph: each side sees what REST shows it."""

import pytest
from fixtures.app import Tenant
from fixtures.graph import data, refusal
from fixtures.market import DUE, LISTING, Market

pytestmark = pytest.mark.anyio

LIST = "mutation ($i: NewListingInput!) { listingCreate(input: $i) { id state etag } }"
REPLACE = """mutation ($id: ID!, $i: NewListingInput!, $tag: String) {
  listingPut(id: $id, input: $i, ifMatch: $tag) { region version }
}"""
REQUEST = "mutation ($i: NewRequestInput!) { marketRequestCreate(input: $i) { id } }"
PUBLISH = "mutation ($id: ID!) { marketRequestPublish(id: $id) { state } }"
BOARD = "{ board { edges { node { id counterparty quantityBand } } } }"
SIGN = 'mutation ($id: ID!) { ndaSign(id: $id, input: { signature: "Ada Partner" }) { requestId signedBy } }'
QUOTE = """mutation ($id: ID!, $i: NewQuoteInput!, $key: String) {
  quoteSubmit(id: $id, input: $i, idempotencyKey: $key) { id state party price { amount } etag }
}"""
COUNTER = "mutation ($id: ID!, $i: TermsInput!) { quoteCounter(id: $id, input: $i) { price { amount } offeredBy } }"
ACCEPT = "mutation ($id: ID!) { quoteAccept(id: $id) { state } }"
AWARD = """mutation ($id: ID!, $quote: String!) {
  marketRequestAward(id: $id, input: { quoteId: $quote }) { id state party price { amount } }
}"""
QUOTES = "{ quotes { edges { node { id withinMaxPrice } } } }"


def terms(amount: str) -> dict[str, object]:
    return {"price": {"amount": amount, "currency": "CNY"}, "leadTime": "P3D"}


async def published(market: Market) -> str:
    """A request of the buyer's on the board, and a listing of the partner's that fits."""
    partner, buyer = market.partner_tenant, market.buyer_tenant
    listing = {("equipmentClass" if k == "equipment_class" else k): v for k, v in LISTING.items()}
    made = (await data(partner, LIST, i=listing))["listingCreate"]
    assert made["state"] == "open"
    changed = {"id": made["id"], "i": {**listing, "region": "EU"}, "tag": made["etag"]}
    assert (await data(partner, REPLACE, **changed))["listingPut"]["region"] == "EU"
    assert (await refusal(partner, REPLACE, **changed))["code"] == "stale_etag"
    order = await market.order()
    wanted = {
        "operationId": order["operations"][0]["id"],
        "dueAt": DUE,
        "maxPrice": {"amount": "1500.00", "currency": "CNY"},
    }
    request_id = (await data(buyer, REQUEST, i=wanted))["marketRequestCreate"]["id"]
    assert (await data(buyer, PUBLISH, id=request_id))["marketRequestPublish"]["state"] == "published"
    return str(request_id)


class TestADeal:
    async def test_from_teaser_to_contract(self, market: Market) -> None:
        partner, buyer = market.partner_tenant, market.buyer_tenant
        request_id = await published(market)
        (edge,) = (await data(partner, BOARD))["board"]["edges"]
        assert edge["node"]["id"] == request_id
        assert (await data(buyer, BOARD))["board"]["edges"] == []
        signed = (await data(partner, SIGN, id=request_id))["ndaSign"]
        assert signed == {"requestId": request_id, "signedBy": "Ada Partner"}

        asked = {"id": request_id, "i": terms("1400.00"), "key": "q-1"}
        quote = (await data(partner, QUOTE, **asked))["quoteSubmit"]
        assert (await data(partner, QUOTE, **asked))["quoteSubmit"] == quote
        countered = await data(buyer, COUNTER, id=quote["id"], i=terms("1300.00"))
        assert countered["quoteCounter"] == {"price": {"amount": "1300.00"}, "offeredBy": "buyer"}
        assert (await data(partner, ACCEPT, id=quote["id"]))["quoteAccept"]["state"] == "accepted"

        (seen,) = (await data(buyer, QUOTES))["quotes"]["edges"]
        assert seen["node"] == {"id": quote["id"], "withinMaxPrice": True}
        assert (await refusal(partner, QUOTES))["code"] == "field_forbidden"
        assert (await refusal(partner, AWARD, id=request_id, quote=quote["id"]))["code"] == "not_found"
        contract = (await data(buyer, AWARD, id=request_id, quote=quote["id"]))["marketRequestAward"]
        assert contract["price"] == {"amount": "1300.00"}
        assert contract["party"] == "buyer"
        found = await data(partner, "query ($id: ID!) { contract(id: $id) { id party } }", id=contract["id"])
        assert found["contract"] == {"id": contract["id"], "party": "partner"}

    async def test_nobody_reads_a_third_partys_quote(self, market: Market) -> None:
        request_id = await published(market)
        made = await data(market.partner_tenant, QUOTE, id=request_id, i=terms("1400.00"))
        stranger = await market.world.tenant("Stranger")
        found = await refusal(stranger, "query ($id: ID!) { quote(id: $id) { id } }", id=made["quoteSubmit"]["id"])
        assert found["code"] == "not_found"
        assert (await data(stranger, QUOTES))["quotes"]["edges"] == []


class TestTheBill:
    async def test_an_invoice_is_issued_once_a_period(self, factory: Tenant) -> None:
        issue = "mutation ($p: String) { invoiceIssue(input: { period: $p }) { id period total { amount } } }"
        first = (await data(factory, issue, p="open"))["invoiceIssue"]
        again = (await data(factory, issue, p=first["period"]))["invoiceIssue"]
        assert again == first

    async def test_a_limit_is_put_by_who_may(self, factory: Tenant) -> None:
        put = "mutation ($i: SpendLimitInput) { spendLimitPut(input: $i) { id hard { amount currency } } }"
        money = {"amount": "50.00", "currency": "CNY"}
        done = (await data(factory, put, i={"hard": money}))["spendLimitPut"]
        assert done["hard"] == money
        planner = await factory.key("planner")
        assert (await refusal(factory, put, planner, i={"hard": money}))["code"] == "forbidden"
