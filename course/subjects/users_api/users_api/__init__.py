"""Users over HTTP: sign up, log in, look up, change, leave."""
