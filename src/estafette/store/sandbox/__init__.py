"""What simulated couriers do next."""
