"""Exports: the rows of one kind of object as a file, under its requester's rights of the hour it is written."""
