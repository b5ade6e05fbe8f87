"""The doors of the authorization server: its endpoints speak the protocol's own forms, not the API's."""
