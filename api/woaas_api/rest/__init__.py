"""The REST endpoints, one module per noun: parse, call one service function, show."""
