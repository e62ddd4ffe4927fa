"""The media servers bundled with Gatepost. They import nothing of gatepost."""

__version__ = "0.1.0"
