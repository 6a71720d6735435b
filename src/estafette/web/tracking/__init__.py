"""The recipient's page: where the parcel is, when it comes, and what the courier says."""
