"""Denied attempts: who tried what he may not, told once an hour and never forgotten in the crowd."""
