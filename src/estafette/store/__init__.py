"""PostgreSQL: all SQL is here. Functions take a connection and plain data; they decide nothing."""
