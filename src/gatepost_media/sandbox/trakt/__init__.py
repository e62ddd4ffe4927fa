"""Trakt's stand-in: the host where programs sign in, and the API."""
