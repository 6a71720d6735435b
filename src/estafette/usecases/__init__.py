"""What Estafette does, one file a verb: each opens one transaction, the core decides in it."""
