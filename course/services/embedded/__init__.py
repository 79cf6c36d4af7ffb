"""Servers of the course's own, without Docker."""
