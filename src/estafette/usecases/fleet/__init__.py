"""What drivers and dispatchers do with deliveries of in-house companies."""
