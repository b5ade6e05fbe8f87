"""Every event of webhook endpoints; that an event was delivered is none itself."""

from woaas_core.events.envelope import event_type

ENDPOINT_CREATED = event_type("webhook_endpoint.created", "An address that events are sent to was entered.")
ENDPOINT_CHANGED = event_type("webhook_endpoint.changed", "An endpoint's address, name or events were changed.")
ENDPOINT_PAUSED = event_type("webhook_endpoint.paused", "An endpoint is sent nothing for now.")
ENDPOINT_RESUMED = event_type("webhook_endpoint.resumed", "An endpoint is sent events again.")
ENDPOINT_DISABLED = event_type("webhook_endpoint.disabled", "An endpoint was switched off: nothing got through to it.")
ENDPOINT_ARCHIVED = event_type("webhook_endpoint.archived", "An endpoint was retired; its secrets are gone.")
ENDPOINT_TESTED = event_type("webhook_endpoint.tested", "An endpoint is sent this event to see whether it gets there.")
SECRET_ROTATED = event_type("webhook_endpoint.secret_rotated", "An endpoint was given a new secret.")
DELIVERY_REPLAYED = event_type("webhook_delivery.replayed", "An event is sent to an endpoint once more.")

ENDPOINT_COMMANDED = {"pause": ENDPOINT_PAUSED, "resume": ENDPOINT_RESUMED}
