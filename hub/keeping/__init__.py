"""Backups: one file that holds the database as it stood at one moment, and the way back.

`archive` is the file, `copies` how a database gets into it, `restore` how it gets out again.
"""
