"""Every event of alerts."""

from woaas_core.events.envelope import event_type

ALERT_OPENED = event_type("alert.opened", "Something needs a person.")
ALERT_UPDATED = event_type("alert.updated", "The reason of an alert is another.")
ALERT_ACKNOWLEDGED = event_type("alert.acknowledged", "A person has seen an alert.")
ALERT_CLOSED = event_type("alert.closed", "The cause of an alert is gone.")
