"""Runs a hostile server by its name. Standard library only, so that it starts at once."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])

from tests.hostile.kit import main  # noqa: E402

main(sys.argv[1:])
