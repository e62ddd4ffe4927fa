"""The Plex server: its client, its tools, resources and prompts."""
