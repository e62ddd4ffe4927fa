"""One module per section of the page beside the table: `run(rig, skipped) -> Section`."""
