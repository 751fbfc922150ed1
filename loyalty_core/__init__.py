"""The loyalty core: ledger, pricing, members. No web, no queue, no HTTP."""
