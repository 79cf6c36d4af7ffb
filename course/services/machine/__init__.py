"""This machine: its users, its folders, its Docker engine."""
