"""References behind a socket: a small server and its clients, so that lost replies can be tried on what is known."""
