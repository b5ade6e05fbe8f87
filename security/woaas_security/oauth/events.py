"""Facts about applications and what they were let do. No secret, code or token is in any of them."""

from woaas_core.events.envelope import event_type

CLIENT_CREATED = event_type("oauth_client.created", "An application was registered.")
CLIENT_CHANGED = event_type("oauth_client.changed", "What an application may ask for was changed.")
CLIENT_SECRET_ROTATED = event_type("oauth_client.secret_rotated", "An application was given a new secret.")
CLIENT_ARCHIVED = event_type("oauth_client.archived", "An application was retired; its tokens are refused.")
GRANT_CREATED = event_type("oauth_grant.created", "A person let an application act for him.")
GRANT_REVOKED = event_type("oauth_grant.revoked", "Every token that came of one sign-in was ended.")
TOKEN_ISSUED = event_type("oauth_token.issued", "An application was given an access token.")
TOKEN_REVOKED = event_type("oauth_token.revoked", "A token was ended before its time.")
