"""Expected demand as virtual work orders, used up by the real ones."""
