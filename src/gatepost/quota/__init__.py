"""Limits: counters in windows of time, and the reservations that calls make of them (POLICY.md section 4)."""

from gatepost.quota.ledger import Count, Exhausted, Ledger, Reservation, Subject, Use
from gatepost.quota.memory import MemoryLedger

__all__ = ["Count", "Exhausted", "Ledger", "MemoryLedger", "Reservation", "Subject", "Use"]
