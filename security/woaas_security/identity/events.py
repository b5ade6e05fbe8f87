"""Facts about keys, people and their sessions: the security log. No address and no credential is in any of them."""

from woaas_core.events.envelope import event_type

API_KEY_CREATED = event_type("api_key.created", "An API key was made.")
API_KEY_REVOKED = event_type("api_key.revoked", "An API key was revoked.")
MEMBER_ADDED = event_type("member.added", "A person was given access.")
SESSION_STARTED = event_type("session.started", "A person signed in to the console.")
SESSION_ENDED = event_type("session.ended", "A person signed out of the console.")
SIGN_IN_REFUSED = event_type("session.refused", "Somebody tried to sign in, or to sign, as a person and failed.")
PASSWORD_CHANGED = event_type("user.password_changed", "A person set a password; his other sessions ended.")
RESET_REQUESTED = event_type("user.reset_requested", "A link to set a new password was sent to a person.")
EMAIL_VERIFIED = event_type("user.email_verified", "A person proved to read the mail of his address.")
SECOND_FACTOR_ENABLED = event_type("user.second_factor_enabled", "Signing in asks a person for a code too.")
SECOND_FACTOR_REMOVED = event_type("user.second_factor_removed", "Signing in asks a person for no code any more.")
RECOVERY_CODES_MADE = event_type("user.recovery_codes_made", "A person got new recovery codes; older ones ended.")
RECOVERY_CODE_USED = event_type("user.recovery_code_used", "A person signed in, or signed, with a recovery code.")
API_KEY_ROTATED = event_type("api_key.rotated", "An API key got a successor; it stays good for a while.")
MEMBER_INVITED = event_type("member.invited", "A person was sent a link to join.")
MEMBER_JOINED = event_type("member.joined", "An invited person joined.")
MEMBER_CHANGED = event_type("member.changed", "A member got another name, other roles or another scope.")
MEMBER_SUSPENDED = event_type("member.suspended", "A member was shut out for now; his sessions ended.")
MEMBER_REINSTATED = event_type("member.reinstated", "A suspended member was let in again.")
MEMBER_REMOVED = event_type("member.removed", "A membership ended, with its sessions, credentials and keys.")
