"""The built-in connectors, one folder each; found by their entry points like anybody's."""
