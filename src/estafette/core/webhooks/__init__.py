"""What an account may choose for its webhook endpoints."""
