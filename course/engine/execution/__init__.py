"""Runs: a process of its own for each, on a fresh database, followed from outside."""
