"""The hub's processes and servers are killed while it works; afterwards everything is counted.

`python -m tests.torture --help`.  One run: a private PostgreSQL that is durable and whose disk is
small, a private Redis, `web`, two `worker`s and `scheduler` as processes; senders that repeat
what was not answered; a chaos that kills, fills and shifts; then the audit against the slow
model of the ledger.
"""
