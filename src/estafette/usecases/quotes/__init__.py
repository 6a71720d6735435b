"""Quote deliveries, and keep the price lists from which quotes are made."""
