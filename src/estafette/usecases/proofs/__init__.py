"""Take proofs, tell which are missing, show them, and end them with their files."""
