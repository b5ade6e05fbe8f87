"""Every event of the market. Facts about a deal stand in the log of each party, sealed for that party alone."""

from woaas_core.events.envelope import EventType, event_type

LISTING_CREATED = event_type("listing.created", "Free capacity was listed on the market.")
LISTING_UPDATED = event_type("listing.updated", "A listing was replaced.")
LISTING_COMMANDED: dict[str, EventType] = {
    "open": event_type("listing.opened", "A paused listing is open again."),
    "pause": event_type("listing.paused", "A listing takes no new orders for now."),
    "close": event_type("listing.closed", "A listing was closed for good."),
}

REQUEST_CREATED = event_type("market_request.created", "A request for outside capacity was drafted.")
REQUEST_COMMANDED: dict[str, EventType] = {
    "publish": event_type("market_request.published", "A teaser of a request was put on the board."),
    "award": event_type("market_request.awarded", "A request was awarded to a partner."),
    "withdraw": event_type("market_request.withdrawn", "A request was taken off the board."),
    "cancel": event_type("market_request.cancelled", "A request was cancelled."),
    "expire": event_type("market_request.expired", "A request ran out of time without an award."),
    "void": event_type("market_request.voided", "The contract of an awarded request was cancelled."),
}

NDA_SIGNED = event_type("nda.signed", "A partner signed the confidentiality agreement of a request.")

QUOTE_SUBMITTED = event_type("quote.submitted", "A partner quoted a price and lead time.")
QUOTE_COMMANDED: dict[str, EventType] = {
    "counter": event_type("quote.countered", "Other terms were offered."),
    "accept": event_type("quote.accepted", "The offered terms were agreed."),
    "decline": event_type("quote.declined", "The offered terms were refused."),
    "withdraw": event_type("quote.withdrawn", "A partner took its quote back."),
    "lapse": event_type("quote.lapsed", "The request went to another partner or ended."),
    "expire": event_type("quote.expired", "The request of a quote ran out of time."),
}

CONTRACT_AWARDED = event_type("contract.awarded", "A contract was made and capacity committed to it.")
CONTRACT_COMMANDED: dict[str, EventType] = {
    "accept": event_type("contract.accepted", "The partner accepted the contract; both sides know each other's name."),
    "package": event_type("contract.package_released", "The buyer released the data package of the operation."),
    "start": event_type("contract.started", "The partner started production."),
    "report": event_type("contract.reported", "The partner reported pieces made."),
    "ship": event_type("contract.shipped", "The partner shipped the goods."),
    "receive": event_type("contract.received", "The buyer received the goods."),
    "inspect": event_type("contract.inspected", "The buyer inspected the goods."),
    "accept-delivery": event_type("contract.delivery_accepted", "The buyer accepted the delivery."),
    "settle": event_type("contract.settled", "The price was split into fee and net; money moves by this fact."),
    "close": event_type("contract.closed", "A settled contract was closed; the package is no longer readable."),
    "cancel": event_type("contract.cancelled", "A contract was cancelled and its capacity released."),
    "dispute": event_type("contract.disputed", "A party disputes the contract; it stands still."),
    "resolve": event_type("contract.resolved", "A dispute was resolved; the contract goes on."),
}

PACKAGE_OBSERVED = event_type("package.observed", "The partner read the data package.")
