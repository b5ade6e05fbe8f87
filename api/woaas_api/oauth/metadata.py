"""What the authorization server says of itself (OpenID Connect Discovery, RFC 8414)."""

from typing import Any

from woaas_security.oauth.grants import AUTHENTICATION
from woaas_security.oauth.scopes import SCOPES
from woaas_security.oauth.signing import ALGORITHM


def metadata(issuer: str) -> dict[str, Any]:
    """The document of both well-known addresses."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": list(AUTHENTICATION),
        "revocation_endpoint_auth_methods_supported": list(AUTHENTICATION),
        "introspection_endpoint_auth_methods_supported": list(AUTHENTICATION[:2]),
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name", "email"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "ui_locales_supported": ["en", "zh-Hans"],
        "service_documentation": f"{issuer}/docs",
    }
