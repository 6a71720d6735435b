"""Sending what happened to the endpoints of the accounts, over HTTP.

Here belong the guard of the addresses that may be dialled, the sender of one request, the
schedule of the retries and the worker that joins them to the outbox. No dialect is known here:
bodies and headers come ready to be sent.
"""
