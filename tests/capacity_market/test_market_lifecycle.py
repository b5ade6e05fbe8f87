"""The tables against a reference written down a second time, in the contract's own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from woaas_capacity_market.errors import WrongParty
from woaas_capacity_market.lifecycle import (
    CONTRACT_COMMANDS,
    QUOTE_COMMANDS,
    REQUEST_TRANSITIONS,
    ContractState,
    Party,
    QuoteState,
    RequestState,
    step,
    step_contract,
    step_quote,
)
from woaas_core.errors import DomainError, GuardFailed, InvalidTransition

MAIN_LINE = [
    ("awarded", "partner", "accept", "accepted"),
    ("accepted", "buyer", "package", "package_released"),
    ("package_released", "partner", "start", "in_production"),
    ("in_production", "partner", "report", "in_production"),
    ("in_production", "partner", "ship", "shipped"),
    ("shipped", "buyer", "receive", "received"),
    ("received", "buyer", "inspect", "inspected"),
    ("inspected", "buyer", "accept-delivery", "accepted_by_buyer"),
    ("accepted_by_buyer", "buyer", "settle", "settled"),
    ("settled", "buyer", "close", "closed"),
]
BUYERS = {"package", "receive", "inspect", "accept-delivery", "settle", "close", "cancel"}
PARTNERS = {"accept", "start", "report", "ship"}
DISPUTED_IN = {"package_released", "in_production", "shipped", "received", "inspected", "accepted_by_buyer"}


def expected(state: str, command: str, party: str, result: str | None, disputed_from: str | None) -> str | type:
    """The reference: what API.md says of a contract, as straight-line code."""
    if (command in BUYERS and party != "buyer") or (command in PARTNERS and party != "partner"):
        return WrongParty
    if command == "dispute":
        return "disputed" if state in DISPUTED_IN else InvalidTransition
    if command == "resolve":
        return disputed_from if state == "disputed" and disputed_from else InvalidTransition
    if command == "cancel" and state in ("awarded", "accepted", "package_released"):
        return "cancelled"
    if state == "inspected":
        verdicts = {
            "accept-delivery": ("pass", "accepted_by_buyer"),
            "inspect": ("rework", "inspected"),
            "start": ("rework", "in_production"),
            "cancel": ("reject", "cancelled"),
        }
        if command not in verdicts:
            return InvalidTransition
        needed, target = verdicts[command]
        return target if result == needed else GuardFailed
    for before, _, name, after in MAIN_LINE:
        if (before, name) == (state, command):
            return after
    return InvalidTransition


class TestContract:
    def test_the_main_line_runs_from_award_to_close(self) -> None:
        for before, party, command, after in MAIN_LINE:
            reached = step_contract(
                before, command, Party(party), inspection_result="pass", disputed_from=None, permitted=CONTRACT_COMMANDS
            )
            assert reached == after

    @given(
        state=st.sampled_from(list(ContractState)),
        command=st.sampled_from(sorted(CONTRACT_COMMANDS)),
        party=st.sampled_from(list(Party)),
        result=st.sampled_from([None, "pass", "rework", "reject"]),
        disputed_from=st.sampled_from(sorted(DISPUTED_IN)),
    )
    def test_every_state_command_and_party_is_as_the_reference_says(
        self, state: str, command: str, party: Party, result: str | None, disputed_from: str
    ) -> None:
        wanted = expected(state, command, party, result, disputed_from)
        facts = {"inspection_result": result, "disputed_from": disputed_from, "permitted": CONTRACT_COMMANDS}
        if isinstance(wanted, str):
            assert step_contract(state, command, party, **facts) == wanted  # type: ignore[arg-type]
            return
        with pytest.raises(DomainError) as refused:
            step_contract(state, command, party, **facts)  # type: ignore[arg-type]
        assert refused.type is wanted
        possible = {c for c in CONTRACT_COMMANDS if isinstance(expected(state, c, party, result, disputed_from), str)}
        assert wanted is WrongParty or set(refused.value.members["allowed_commands"]) == possible  # type: ignore[call-overload]

    def test_ended_contracts_know_no_command(self) -> None:
        for state in ("closed", "cancelled"):
            for command in CONTRACT_COMMANDS:
                for party in Party:
                    assert not isinstance(expected(state, command, party, "pass", "shipped"), str)
                    with pytest.raises(DomainError):
                        step_contract(
                            state,
                            command,
                            party,
                            inspection_result="pass",
                            disputed_from="shipped",
                            permitted=CONTRACT_COMMANDS,
                        )

    def test_a_refusal_offers_only_what_role_and_party_allow(self) -> None:
        with pytest.raises(InvalidTransition) as refused:
            step_contract(
                "accepted",
                "receive",
                Party.BUYER,
                inspection_result=None,
                disputed_from=None,
                permitted={"receive", "cancel"},
            )
        assert refused.value.members == {"state": "accepted", "allowed_commands": ["cancel"]}


class TestQuote:
    @given(
        state=st.sampled_from(list(QuoteState)),
        command=st.sampled_from(sorted(QUOTE_COMMANDS)),
        party=st.sampled_from(list(Party)),
        offered_by=st.sampled_from(["buyer", "partner"]),
    )
    def test_an_open_offer_is_answered_by_the_other_side_only(
        self, state: str, command: str, party: Party, offered_by: str
    ) -> None:
        is_open = state in ("submitted", "countered")
        may = party == "partner" if command == "withdraw" else party != offered_by
        after = {"counter": "countered", "accept": "accepted", "decline": "declined", "withdraw": "withdrawn"}[command]
        if is_open and may:
            assert step_quote(state, command, party, offered_by, permitted=QUOTE_COMMANDS) == after
            return
        with pytest.raises(DomainError) as refused:
            step_quote(state, command, party, offered_by, permitted=QUOTE_COMMANDS)
        assert refused.type is (WrongParty if is_open else InvalidTransition)
        assert refused.value.members.get("allowed_commands", []) == []


class TestRequest:
    def test_exactly_these_moves_exist(self) -> None:
        on_board = ("published", "quoting")
        wanted = {("draft", "publish"): "published", ("draft", "cancel"): "cancelled", ("awarded", "void"): "cancelled"}
        for state in on_board:
            wanted |= {
                (state, "quote"): "quoting",
                (state, "award"): "awarded",
                (state, "withdraw"): "withdrawn",
                (state, "cancel"): "cancelled",
                (state, "expire"): "expired",
            }
        assert {(str(s), c): str(t) for (s, c), t in REQUEST_TRANSITIONS.items()} == wanted

    @given(st.lists(st.sampled_from(["publish", "quote", "award", "withdraw", "cancel", "expire"]), max_size=8))
    def test_an_ended_request_never_comes_back(self, commands: list[str]) -> None:
        state: str = "draft"
        ended: str | None = None
        for command in commands:
            try:
                state = step(REQUEST_TRANSITIONS, state, command, permitted=())
            except InvalidTransition:
                continue
            assert ended is None
            assert RequestState(state)
            if state in ("awarded", "expired", "withdrawn", "cancelled"):
                ended = state
