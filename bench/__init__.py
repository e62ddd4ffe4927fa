"""The published benchmark: `python -m bench` from the repository root builds docs/benchmark.md."""
