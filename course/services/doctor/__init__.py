"""What is on this machine, and what to do about what is missing."""
