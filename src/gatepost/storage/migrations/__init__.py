"""The scripts that bring a store to the newest form of its tables; `gatepost.storage.migrate` runs them.

One file per step in `versions`, named rNNNN_what_it_does.py. A released one is never edited.
"""
