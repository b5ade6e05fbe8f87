"""Plant and people: the master data that orders and plans refer to by code."""
