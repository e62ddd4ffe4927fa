"""Client configurations: what to paste into an MCP client so that it reaches a server through Gatepost.

`gatepost.connect.clients` knows each client's own shape and file; `gatepost.connect.merge` puts an entry into such a
file without disturbing anything else in it.
"""
