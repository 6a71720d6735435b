"""People who sign in, one file a table."""
