"""Key figures that need plans: split by what planned the work, compared over windows, and those of pilots."""
