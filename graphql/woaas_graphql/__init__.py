"""The GraphQL door: the same services and masks as REST, shaped as a graph."""
