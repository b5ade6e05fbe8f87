"""What a tenant says of permissions itself: its roles, its field policies, and grants for a purpose and a time."""
