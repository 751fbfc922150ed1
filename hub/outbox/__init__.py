"""The way back out: rows written with their cause are sent afterwards, at least once."""
