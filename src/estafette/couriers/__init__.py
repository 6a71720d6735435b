"""Who carries deliveries, a folder each; they do not know each other."""
