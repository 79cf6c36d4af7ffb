"""GitHub Actions workflows, rehearsed on this machine: read, checked against GitHub's schema, and run on a commit."""
