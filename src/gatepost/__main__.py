"""`python -m gatepost` is the program `gatepost`."""

from gatepost.cli.main import main

main()
