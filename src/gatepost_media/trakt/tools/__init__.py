"""The Trakt server's tools, a module for each group; each adds its tools to a toolset."""
