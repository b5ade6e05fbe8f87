"""The state tables against the contract's, cell by cell."""

import itertools

import pytest
from fixtures.lifecycle import (
    ENDED,
    OPERATION_STATES,
    OPERATION_TABLE,
    ORDER_STATES,
    ORDER_TABLE,
    allowed,
)

from woaas_core.errors import InvalidTransition
from woaas_work_orders.orders import events
from woaas_work_orders.orders.lifecycle import (
    OPERATION_COMMANDS,
    OPERATION_TRANSITIONS,
    ORDER_COMMANDS,
    ORDER_TRANSITIONS,
    OperationState,
    OrderState,
    allowed_commands,
    next_state,
)

TABLES = [
    (ORDER_TRANSITIONS, ORDER_TABLE, ORDER_STATES),
    (OPERATION_TRANSITIONS, OPERATION_TABLE, OPERATION_STATES),
]


def test_states_and_commands_are_the_contract_s() -> None:
    assert set(OrderState) == set(ORDER_STATES)
    assert set(OperationState) == set(OPERATION_STATES)
    assert set(ORDER_TABLE) == ORDER_COMMANDS
    assert set(OPERATION_TABLE) == OPERATION_COMMANDS


@pytest.mark.parametrize(("code", "table", "states"), TABLES, ids=["order", "operation"])
@pytest.mark.parametrize("started", [False, True])
def test_every_cell(code: dict, table: dict, states: tuple[str, ...], started: bool) -> None:  # type: ignore[type-arg]
    for state, command in itertools.product(states, table):
        expected = allowed(table, state, started=started)
        assert allowed_commands(code, state, started=started) == sorted(expected)
        if command in expected:
            target = table[command][1]
            if target is None:
                target = "running" if state == "suspended" else "released"
            found = next_state(code, state, command, held_from="released", started=started, permitted=())
            assert found == target, (state, command)
        else:
            with pytest.raises(InvalidTransition) as caught:
                next_state(code, state, command, held_from=None, started=started, permitted={"cancel", "resume"})
            offered = caught.value.members["allowed_commands"]
            assert offered == sorted(expected & {"cancel", "resume"}), (state, command)
            assert caught.value.members["state"] == state


@pytest.mark.parametrize(("code", "table", "states"), TABLES, ids=["order", "operation"])
def test_a_final_state_knows_no_command(code: dict, table: dict, states: tuple[str, ...]) -> None:  # type: ignore[type-arg]
    final = {"closed", "cancelled", "aborted"} if table is ORDER_TABLE else ENDED
    for state in states:
        known = allowed_commands(code, state, started=True) + allowed_commands(code, state, started=False)
        assert (not known) == (state in final), state


def test_every_command_has_its_event() -> None:
    assert set(events.ORDER_COMMANDED) == ORDER_COMMANDS
    assert set(events.OPERATION_COMMANDED) == OPERATION_COMMANDS
