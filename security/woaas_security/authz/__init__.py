"""Who may do what: Casbin policy compiled to field masks and allowed actions."""
