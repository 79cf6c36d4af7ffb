"""Lesson sources become notebooks, and everything that ships is proved."""
