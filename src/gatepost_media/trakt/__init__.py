"""The Trakt server: Trakt's API as it is in 2026, behind MCP tools."""
