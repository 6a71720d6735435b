"""What people are told: recipients by phone, and people who sign in by e-mail."""
