"""Tell people: write what is to be told beside its cause, and hand it to those who send it."""
