"""The command line: one module per group of commands, each a thin face of `gatepost.control`."""
