"""Every event of promises."""

from woaas_core.events.envelope import event_type

PROMISE_REQUESTED = event_type("promise.requested", "Somebody asked when an order could be done.")
PROMISE_ANSWERED = {
    "offered": event_type("promise.offered", "An inquiry was answered; nothing is held for it."),
    "reserved": event_type("promise.reserved", "Capacity is held for an order until the promise expires."),
    "infeasible": event_type("promise.refused", "The plant cannot do the order asked about."),
    "failed": event_type("promise.failed", "The question about an order could not be answered."),
}
PROMISE_TAKEN = event_type("promise.taken", "An order was entered that takes a reservation over.")
PROMISE_RELEASED = event_type("promise.released", "A reservation was given back.")
PROMISE_EXPIRED = event_type("promise.expired", "A reservation ran out.")
