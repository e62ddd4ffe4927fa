"""The Plex server's stand-in: the paths of its published contract, and the older ones that programs still call."""
