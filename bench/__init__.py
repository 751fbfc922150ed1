"""How fast the hub is, as ratios to floors that are measured in the same run.

`make bench` runs all of it and writes `bench/RESULTS.md`; `python -m bench --help` tells more.
Nothing here fails on a number: a slow hub gets a slow table.
"""
