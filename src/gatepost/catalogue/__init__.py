"""What a tool can do, and which rule suits it: classification, recommended policies, pages, known attacks, the index.

    classification = classify("delete_branch", "Delete a branch", schema, None, siblings)

Pure but for `index`, which owns a SQLite file. The main path never imports it.
"""

from __future__ import annotations

from gatepost.catalogue.classification import SEVERITIES, Classification
from gatepost.catalogue.classify import classify
from gatepost.catalogue.siblings import Siblings

__all__ = ["SEVERITIES", "Classification", "Siblings", "classify"]
