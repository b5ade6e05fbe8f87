"""Facts about single sign-on."""

from woaas_core.events.envelope import event_type

CONNECTION_CREATED = event_type("sso_connection.created", "An identity provider was connected.")
CONNECTION_CHANGED = event_type("sso_connection.changed", "A connection to an identity provider was changed.")
CONNECTION_DELETED = event_type("sso_connection.deleted", "A connection was removed; nobody signs in by it any more.")
DOMAIN_VERIFIED = event_type("sso_connection.domain_verified", "A DNS record showed that a domain is the tenant's.")
SIGN_IN_REFUSED = event_type("sso_connection.refused", "An identity provider named somebody who is not let in.")
IDENTITY_LINKED = event_type("user.identity_linked", "A person can sign in by an identity provider.")
