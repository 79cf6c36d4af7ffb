"""What runs prove of a suite: which tests count, and which bugs they catch."""
