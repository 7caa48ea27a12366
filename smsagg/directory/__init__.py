"""Who there is, and who may do what: roles, scopes, callers. Pure."""
