"""`estafette up`: the supervisor, its children, the embedded PostgreSQL and the run file."""
