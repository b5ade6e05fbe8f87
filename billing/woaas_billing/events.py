"""Every event of billing. Amounts are restricted, so they travel as ``changes`` and not in ``data``."""

from woaas_core.events.envelope import event_type

PERIOD_OPENED = event_type("billing_period.opened", "A billing period began.")
PERIOD_CLOSED = event_type("billing_period.closed", "A billing period ended; its usage is frozen.")
USAGE_RECORDED = event_type("usage.recorded", "A processed work order was counted, once and for ever.")
INVOICE_ISSUED = event_type("invoice.issued", "The invoice of a closed period was issued.")
SETTLEMENT_POSTED = event_type("settlement.posted", "A settled contract was entered in the ledger.")
SPEND_LIMIT_SET = event_type("spend_limit.set", "The limits on spending a period were set.")
SPEND_LIMIT_NEARED = event_type("spend_limit.neared", "The period's usage reached the soft spend limit.")
