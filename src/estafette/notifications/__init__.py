"""Sends texts from the outbox to people: to recipients by phone, to people who sign in by e-mail.

A recipient is told of a delivery through the operator's gateway, an HTTP service that passes texts
on by SMS or in a messenger. Letters go to a mail server. Where a setting names neither, and always
for deliveries of the sandbox, the text is written into a file in the data folder.
"""
