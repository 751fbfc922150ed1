"""A reference client of the terminal contract: what an application on an Evotor terminal does.

Runs without the hub: standard library and `cryptography`.  Read `README.md` first.
"""
