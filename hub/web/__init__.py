"""What the hub serves over HTTP: the public API, webhooks, and the owner's pages."""
