"""Subjects, variants, runs and verdicts: proves a suite on right and on wrong code."""
