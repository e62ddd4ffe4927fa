"""Sonarr and Radarr, both of API version 3."""
