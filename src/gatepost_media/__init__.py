"""The media servers bundled with Gatepost. They import nothing of gatepost."""
