"""`python -m gatepost_media.sandbox`: the same as `gatepost-media sandbox`."""

import sys

from gatepost_media.cli.main import run

sys.exit(run(["sandbox", *sys.argv[1:]]))
