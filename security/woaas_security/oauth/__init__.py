"""The OAuth 2.1 and OpenID Connect authorization server: clients, scopes, grants and tokens."""
