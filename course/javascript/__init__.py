"""Tests in JavaScript: Node and npm's packages, and the runner that has jest tell the engine of each test.

A run is the engine's own: a process on a variant with a fresh database, whose events it reads.
"""

from course.javascript.command import NAME, command, plain_command
from course.javascript.packages import PackagesError, install

__all__ = ["NAME", "PackagesError", "command", "install", "plain_command"]
