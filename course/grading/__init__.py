"""Suites of many learners become scores and reports."""
