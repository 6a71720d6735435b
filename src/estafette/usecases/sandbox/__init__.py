"""Move deliveries as simulated couriers would."""
