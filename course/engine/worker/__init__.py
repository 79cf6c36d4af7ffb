"""What runs in the learner's process. Nothing it says is trusted: `execution` reads it as data, within limits."""

# What the owner of a fork server says before it leaves; one that says nothing was killed
GOODBYE = b"goodbye"
