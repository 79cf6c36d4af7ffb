"""What was started is ended, however its owner ends."""
