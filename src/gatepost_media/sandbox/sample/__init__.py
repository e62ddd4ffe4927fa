"""Public-domain films, shows and music with the ids they have in the world, and filler that says it is filler."""
