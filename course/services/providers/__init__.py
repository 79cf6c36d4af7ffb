"""The ways to get a server."""
