"""A connector's module that never comes to its end."""

while True:
    pass
