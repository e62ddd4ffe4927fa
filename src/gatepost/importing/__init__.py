"""Moving in from what somebody has: a client's servers put behind the gateway, and its file turned over to it.

`gatepost.importing.entries` makes of an entry how the server is reached, `gatepost.importing.starting` a policy for it,
`gatepost.importing.bringing` does the whole, and `gatepost.importing.undo` puts everything back.
"""
