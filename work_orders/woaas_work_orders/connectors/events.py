"""Every event of connectors."""

from woaas_core.events.envelope import event_type

CONNECTOR_CHANGED = event_type("connector.changed", "A connector was set: its broker, or what its topics mean.")
CONNECTOR_COMMANDED = {
    "enable": event_type("connector.enabled", "A connector is followed."),
    "disable": event_type("connector.disabled", "A connector is no longer followed."),
}
CREDENTIALS_ISSUED = event_type("connector.credentials_issued", "A gateway was given a password for the own broker.")
TEST_REQUESTED = event_type("connector.test_requested", "Somebody asked a connector to test itself.")
CONNECTOR_TESTED = event_type("connector.tested", "A connector has tested itself.")
CONNECTOR_CONNECTED = event_type("connector.connected", "A connector reached its broker.")
CONNECTOR_LOST = event_type("connector.lost", "A connector lost its broker, or cannot reach it.")
STATE_WITHHELD = event_type("connector.state_withheld", "A machine said otherwise than a person; the person's stands.")
REPORT_WITHHELD = event_type(
    "connector.report_withheld", "A person had reported the same time; the machine's is left out."
)
REPORT_UNASSIGNED = event_type("connector.report_unassigned", "A machine reported work that no one operation fits.")
