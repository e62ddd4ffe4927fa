"""`gatepost doctor`: what is wrong with an installation, and the command that mends it. It only looks."""
