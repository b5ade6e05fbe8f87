"""SAML 2.0 beside OpenID Connect; what strangers wrote in XML is read in a process of its own (ADR 0010)."""
