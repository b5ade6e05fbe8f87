"""Single sign-on: a tenant's own identity provider says who its people are."""
