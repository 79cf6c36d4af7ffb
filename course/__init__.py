"""What a notebook imports: a dozen names, each loaded when it is first used."""
