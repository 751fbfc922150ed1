"""Tables and queries, and nothing else."""
