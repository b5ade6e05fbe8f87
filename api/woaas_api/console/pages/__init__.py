"""The pages, one module a place; each lists its own as ``PAGES``."""
