"""Users, API keys and sessions."""
