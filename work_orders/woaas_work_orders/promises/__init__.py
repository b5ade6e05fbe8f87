"""Promises: when an order could be done, and capacity held for it until it is entered."""
