"""Keeping Trakt in step with Plex: the history both ways, and what plays now."""
