"""Programs under test and suites, as files."""
