"""Ends what the course has started, however its owner ends."""
