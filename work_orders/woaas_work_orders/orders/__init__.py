"""Work orders and operations: states, commands and everything that follows from them."""
