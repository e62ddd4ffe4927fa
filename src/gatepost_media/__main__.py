"""`python -m gatepost_media` is `gatepost-media`."""

from gatepost_media.cli.main import main

main()
