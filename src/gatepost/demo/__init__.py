"""What `gatepost demo` shows: the bundled MCP servers on a sandbox, the published policies, a scripted agent."""
