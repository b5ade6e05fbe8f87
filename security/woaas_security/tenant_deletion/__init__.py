"""The end of a tenant: asked for by an owner, waited for, then carried out table by table and certified."""
