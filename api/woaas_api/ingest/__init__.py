"""Machine data in: follows brokers, reads their messages, hands readings to the domain."""
