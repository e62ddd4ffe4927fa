"""What `gatepost demo` shows: two small MCP servers on sample data, the published policies, and a scripted agent."""
