"""Pages for people: what a browser shows. They call use cases and never the store."""
