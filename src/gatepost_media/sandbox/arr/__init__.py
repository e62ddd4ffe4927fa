"""Stand-ins for Sonarr and Radarr, version 3 of their API."""
