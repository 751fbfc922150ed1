"""For tests of connectors: the conformance suite, recorded cases, builders, a scripted remote.

Nothing of the running hub imports this package.
"""
