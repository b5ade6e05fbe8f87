"""The REST door, the console and everything else that speaks HTTP."""
