"""Commands for developers, called by the Makefile; no part of the product."""
