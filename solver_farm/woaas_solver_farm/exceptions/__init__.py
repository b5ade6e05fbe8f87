"""What about plans needs a person: found from the rows as they are, kept as alerts."""
