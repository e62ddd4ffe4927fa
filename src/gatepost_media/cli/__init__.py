"""The program `gatepost-media`."""
