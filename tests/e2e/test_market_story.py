"""Two factories meet: the demo factory cannot anodise, its partner can, and neither sees the other's rows."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from fixtures.server import Platform

import woaas
from woaas import Client
from woaas.types.work_orders import Operation, WorkOrder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("platform")]

LIMIT = "471183.13"


class Overheard:
    """A client's transport that keeps every byte of every answer."""

    def __init__(self, platform: Platform, key: str) -> None:
        self.text = ""
        self._http = httpx2.Client(timeout=30, event_hooks={"response": [self._keep]})
        self.client = Client(api_key=key, base_url=platform.url, read_your_writes=True, http_client=self._http)

    def _keep(self, response: httpx2.Response) -> None:
        response.read()
        self.text += f"{response.headers}\n{response.text}\n"

    def crawl(self) -> None:
        """Everything a partner can list, and the events of its own log."""
        market = self.client.market
        for listing in (market.board(), market.listings.list(), market.requests.list(), market.quotes.list()):
            list(listing)
        for contract in market.contracts.list():
            market.contracts.get(contract.id)
        list(self.client.events.iterate())
        list(self.client.audit.entries())
        list(self.client.billing.settlements())


def cover(buyer: Client) -> tuple[WorkOrder, Operation]:
    """An order like the demo's anodised cover, with the step no machine of the plant can do."""
    due = datetime.now(UTC) + timedelta(days=10)
    order = buyer.work_orders.create(
        product="COVER-W", quantity=30, customer="HUAXIN", due_at=due, release=True, external_ref=f"CANARY-{due}"
    )
    step = next(o for o in order.operations if o.sourcing == "outsource")
    assert step.work_centers == []
    return order, step


def by_hand(buyer: Client, order: WorkOrder, until: Operation) -> None:
    """The steps before the outsourced one."""
    for operation in order.operations:
        if operation.id == until.id:
            return
        buyer.operations.report(operation.id, kind="run", good=30)
        buyer.operations.complete(operation.id)


def test_an_overflowing_operation_is_made_by_a_partner(platform: Platform) -> None:
    with platform.client(platform.key()) as buyer:
        order, step = cover(buyer)
        by_hand(buyer, order, step)
        overheard = Overheard(platform, platform.key(tenant="partner"))
        partner = overheard.client
        assert buyer.billing.settlements is not None
        before = {s.id for s in buyer.billing.settlements()}

        request = buyer.market.requests.create(
            operation_id=step.id,
            due_at=datetime.now(UTC) + timedelta(days=8),
            max_price={"amount": LIMIT, "currency": "CNY"},
            disclosure={"process": "anodising", "material_family": "aluminium"},
        )
        assert request.state == "draft"
        assert request.id not in {t.id for t in partner.market.board()}
        assert buyer.market.requests.publish(request.id).state == "published"
        best = next(iter(buyer.market.requests.candidates(request.id)))
        assert best.terms is not None
        assert best.score is not None

        teaser = next(t for t in partner.market.board() if t.id == request.id)
        assert (teaser.process, teaser.material_family) == ("anodising", "aluminium")
        assert not {"operation_id", "work_order_id", "max_price", "number", "customer"} & set(teaser.to_dict())
        with pytest.raises(woaas.NotFoundError):
            partner.market.requests.get(request.id)
        nda = partner.market.requests.sign_nda(request.id, "Hu Ming, Harbour Anodising")
        assert nda.details
        quote = partner.market.requests.quote(
            request.id, price={"amount": "1200.00", "currency": "CNY"}, lead_time=timedelta(days=3)
        )
        assert quote.state == "submitted"
        assert quote.within_max_price is None
        received = next(iter(buyer.market.requests.quotes(request.id)))
        assert (received.id, received.within_max_price) == (quote.id, True)

        contract = buyer.market.requests.award(request.id, quote.id)
        assert (contract.state, contract.party) == ("awarded", "buyer")
        with pytest.raises(woaas.ConflictError) as again:
            buyer.market.requests.award(request.id, quote.id)
        assert again.value.code == "capacity_taken"
        with pytest.raises(woaas.PermissionDeniedError) as wrong:
            buyer.market.contracts.accept(contract.id)
        assert wrong.value.code == "wrong_party"
        with platform.client(platform.key(tenant="partner2")) as stranger, pytest.raises(woaas.NotFoundError):
            stranger.market.contracts.get(contract.id)

        deals = partner.market.contracts
        assert deals.accept(contract.id).state == "accepted"
        assert buyer.market.contracts.release_package(contract.id).state == "package_released"
        package = deals.package(contract.id)
        assert package.fields
        assert package.sha256
        deals.start(contract.id)
        deals.report(contract.id, good=30)
        assert deals.ship(contract.id).state == "shipped"
        buyer.market.contracts.receive(contract.id)
        assert buyer.market.contracts.inspect(contract.id, result="pass").inspection_result == "pass"
        buyer.market.contracts.accept_delivery(contract.id)
        settled = buyer.market.contracts.settle(contract.id)
        assert settled.state == "settled"

        assert buyer.operations.get(step.id).state == "completed"
        check_settlements(buyer, partner, contract.id, before)
        overheard.crawl()
        check_nothing_leaked(overheard.text, buyer, order, step, platform)


def check_settlements(buyer: Client, partner: Client, contract_id: str, before: set[str | None]) -> None:
    """Both sides have one row of the same deal: gross is fee plus net, and net is the partner's."""
    paid = [s for s in buyer.billing.settlements() if s.contract_id == contract_id]
    earned = [s for s in partner.billing.settlements() if s.contract_id == contract_id]
    assert (len(paid), len(earned)) == (1, 1)
    assert paid[0].id not in before
    assert (paid[0].role, earned[0].role) == ("buyer", "partner")
    for row in (*paid, *earned):
        assert row.gross is not None
        assert row.fee is not None
        assert row.net is not None
        assert row.gross.amount == Decimal("1200.00") == row.fee.amount + row.net.amount


def check_nothing_leaked(seen: str, buyer: Client, order: WorkOrder, step: Operation, platform: Platform) -> None:
    """Not one of the buyer's words is in anything the partner was ever answered."""
    whole: Any = json.loads(json.dumps(buyer.work_orders.get(order.id).to_dict()))
    assert "CANARY" in whole["external_ref"]
    secrets = [order.id, step.id, order.number, "CANARY", "HUAXIN", "华信", "471183", "COVER-W"]
    secrets += [platform.credentials["tenants"]["factory"]["tenant_id"], *(o.id for o in order.operations)]
    for secret in secrets:
        assert secret
        assert secret not in seen, secret
