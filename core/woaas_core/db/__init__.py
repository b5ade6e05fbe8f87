"""Tables, tenancy, compiled statements and the unit of work."""
