"""What the service answers (classes) and takes (typed dictionaries), one module per noun."""
