"""Vendor servers on real sockets, made for tests; they also misbehave on purpose."""
