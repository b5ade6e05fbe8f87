"""Bare servers that do the same statements and nothing else: what any server of this stack must pay."""
