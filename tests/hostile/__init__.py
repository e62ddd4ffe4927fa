"""Servers that misbehave, each in one way, and what of it must never reach a client.

`python tests/hostile NAME http` (or `stdio`) runs one of them by hand; `python tests/hostile` lists them.
"""
