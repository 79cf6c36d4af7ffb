"""A pool of databases: a template, clones of it made ahead, and used ones put right or dropped."""
