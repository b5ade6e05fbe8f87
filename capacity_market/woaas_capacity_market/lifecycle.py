"""States and commands of requests, quotes and contracts, and who may give which command. Pure."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from woaas_capacity_market.errors import WrongParty
from woaas_core.errors import GuardFailed, InvalidTransition


class Party(StrEnum):
    """The two sides of a deal."""

    BUYER = "buyer"
    PARTNER = "partner"

    @property
    def other(self) -> "Party":
        """The opposite side."""
        return Party.PARTNER if self is Party.BUYER else Party.BUYER


class RequestState(StrEnum):
    """Where an overflow request stands."""

    DRAFT = "draft"
    PUBLISHED = "published"
    QUOTING = "quoting"
    AWARDED = "awarded"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"


class QuoteState(StrEnum):
    """Where a quote stands."""

    SUBMITTED = "submitted"
    COUNTERED = "countered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ContractState(StrEnum):
    """Where a contract stands."""

    AWARDED = "awarded"
    ACCEPTED = "accepted"
    PACKAGE_RELEASED = "package_released"
    IN_PRODUCTION = "in_production"
    SHIPPED = "shipped"
    RECEIVED = "received"
    INSPECTED = "inspected"
    ACCEPTED_BY_BUYER = "accepted_by_buyer"
    SETTLED = "settled"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    DISPUTED = "disputed"


Transitions = Mapping[tuple[str, str], str]
_R, _Q, _C = RequestState, QuoteState, ContractState
_ON_BOARD = (_R.PUBLISHED, _R.QUOTING)
_OFFERED = (_Q.SUBMITTED, _Q.COUNTERED)
BACK = "back"
"""The target of resolve: the state the contract was disputed in."""

# ``quote``, ``expire`` and ``void`` happen to a request: a quote comes in, time runs out, its contract is cancelled.
REQUEST_TRANSITIONS: Transitions = {
    (_R.DRAFT, "publish"): _R.PUBLISHED,
    **{(s, "quote"): _R.QUOTING for s in _ON_BOARD},
    **{(s, "award"): _R.AWARDED for s in _ON_BOARD},
    **{(s, "withdraw"): _R.WITHDRAWN for s in _ON_BOARD},
    **{(s, "cancel"): _R.CANCELLED for s in (_R.DRAFT, *_ON_BOARD)},
    **{(s, "expire"): _R.EXPIRED for s in _ON_BOARD},
    (_R.AWARDED, "void"): _R.CANCELLED,
}
REQUEST_COMMANDS = frozenset({"publish", "award", "withdraw", "cancel"})

# ``lapse`` and ``expire`` happen to a quote: another one was awarded or its request ended, or time ran out.
QUOTE_TRANSITIONS: Transitions = {
    **{(s, "counter"): _Q.COUNTERED for s in _OFFERED},
    **{(s, "accept"): _Q.ACCEPTED for s in _OFFERED},
    **{(s, "decline"): _Q.DECLINED for s in _OFFERED},
    **{(s, "withdraw"): _Q.WITHDRAWN for s in _OFFERED},
    **{(s, "lapse"): _Q.DECLINED for s in (*_OFFERED, _Q.ACCEPTED)},
    **{(s, "expire"): _Q.EXPIRED for s in (*_OFFERED, _Q.ACCEPTED)},
}
QUOTE_COMMANDS = frozenset({"counter", "accept", "decline", "withdraw"})
QUOTE_OPEN = frozenset({_Q.SUBMITTED, _Q.COUNTERED, _Q.ACCEPTED})

_DISPUTABLE = (_C.PACKAGE_RELEASED, _C.IN_PRODUCTION, _C.SHIPPED, _C.RECEIVED, _C.INSPECTED, _C.ACCEPTED_BY_BUYER)
CONTRACT_TRANSITIONS: Transitions = {
    (_C.AWARDED, "accept"): _C.ACCEPTED,
    (_C.ACCEPTED, "package"): _C.PACKAGE_RELEASED,
    (_C.PACKAGE_RELEASED, "start"): _C.IN_PRODUCTION,
    (_C.IN_PRODUCTION, "report"): _C.IN_PRODUCTION,
    (_C.IN_PRODUCTION, "ship"): _C.SHIPPED,
    (_C.SHIPPED, "receive"): _C.RECEIVED,
    (_C.RECEIVED, "inspect"): _C.INSPECTED,
    (_C.INSPECTED, "accept-delivery"): _C.ACCEPTED_BY_BUYER,
    (_C.INSPECTED, "inspect"): _C.INSPECTED,
    (_C.INSPECTED, "start"): _C.IN_PRODUCTION,
    (_C.ACCEPTED_BY_BUYER, "settle"): _C.SETTLED,
    (_C.SETTLED, "close"): _C.CLOSED,
    **{(s, "cancel"): _C.CANCELLED for s in (_C.AWARDED, _C.ACCEPTED, _C.PACKAGE_RELEASED, _C.INSPECTED)},
    **{(s, "dispute"): _C.DISPUTED for s in _DISPUTABLE},
    (_C.DISPUTED, "resolve"): BACK,
}
CONTRACT_COMMANDS = frozenset(c for _, c in CONTRACT_TRANSITIONS)
CONTRACT_ENDED = frozenset({_C.CLOSED, _C.CANCELLED})

_BOTH = frozenset(Party)
CONTRACT_PARTIES: Mapping[str, frozenset[Party]] = {
    **dict.fromkeys(
        ("package", "receive", "inspect", "accept-delivery", "settle", "close", "cancel"), frozenset({Party.BUYER})
    ),
    **dict.fromkeys(("accept", "start", "report", "ship"), frozenset({Party.PARTNER})),
    **dict.fromkeys(("dispute", "resolve"), _BOTH),
}

# What the last inspection must have said for a command in ``inspected``: goods to rework go round again, rejected
# ones end the contract, and only passed ones are paid for.
INSPECTED_NEEDS: Mapping[str, str] = {
    "accept-delivery": "pass",
    "inspect": "rework",
    "start": "rework",
    "cancel": "reject",
}


def step(transitions: Transitions, state: str, command: str, *, permitted: Collection[str]) -> str:
    """The state a command leads to; ``permitted`` are the commands offered in a refusal.

    Raises:
        InvalidTransition: with ``state`` and ``allowed_commands``.
    """
    target = transitions.get((state, command))
    if target is None:
        raise refusal(command, state, [c for s, c in transitions if s == state and c in permitted])
    return target


def quote_parties(command: str, offered_by: str) -> frozenset[Party]:
    """Who may give a command on a quote: a partner takes its quote back, an offer is answered by the other side."""
    return frozenset({Party.PARTNER}) if command == "withdraw" else frozenset({Party(offered_by).other})


def step_quote(state: str, command: str, party: Party, offered_by: str, *, permitted: Collection[str]) -> str:
    """The state a party's command leads a quote to.

    Raises:
        WrongParty: the other side must do it.
        InvalidTransition: with ``state`` and ``allowed_commands``.
    """
    if state in _OFFERED:
        require_party(command, party, quote_parties(command, offered_by))
    own = {c for c in QUOTE_COMMANDS & set(permitted) if party in quote_parties(c, offered_by)}
    return step(QUOTE_TRANSITIONS, state, command, permitted=own)


def step_contract(
    state: str,
    command: str,
    party: Party,
    *,
    inspection_result: str | None,
    disputed_from: str | None,
    permitted: Collection[str],
) -> str:
    """The state a party's command leads a contract to.

    Raises:
        WrongParty: the other side must do it.
        InvalidTransition: with ``state`` and ``allowed_commands``.
        GuardFailed: the last inspection says otherwise.
    """
    require_party(command, party, CONTRACT_PARTIES[command])
    offered = contract_commands(state, party, inspection_result=inspection_result, permitted=permitted)
    target = CONTRACT_TRANSITIONS.get((state, command))
    if target is None:
        raise refusal(command, state, offered)
    needed = INSPECTED_NEEDS.get(command) if state == _C.INSPECTED else None
    if needed is not None and inspection_result != needed:
        msg = f"'{command}' needs an inspection with result '{needed}'; the last one says '{inspection_result}'."
        raise GuardFailed(msg, members={"state": state, "allowed_commands": offered})
    return disputed_from or "" if target == BACK else target


def contract_commands(
    state: str, party: Party, *, inspection_result: str | None, permitted: Collection[str]
) -> list[str]:
    """The commands a party may give on a contract now."""
    return sorted(
        c
        for s, c in CONTRACT_TRANSITIONS
        if s == state
        and c in permitted
        and party in CONTRACT_PARTIES[c]
        and (s != _C.INSPECTED or INSPECTED_NEEDS.get(c, inspection_result) == inspection_result)
    )


def require_party(command: str, party: Party, allowed: Collection[Party]) -> None:
    """Refuse a command that is the other side's to give.

    Raises:
        WrongParty: it is.
    """
    if party not in allowed:
        msg = f"'{command}' is the {party.other}'s to do."
        raise WrongParty(msg)


def refusal(command: str, state: str, offered: Collection[str]) -> InvalidTransition:
    """The 409 of a command that the state does not know."""
    allowed = sorted(offered)
    possible = f"possible now: {', '.join(allowed)}." if allowed else "nothing is possible for you now."
    msg = f"'{command}' is not possible while {state}; {possible}"
    return InvalidTransition(msg, members={"state": state, "allowed_commands": allowed})
