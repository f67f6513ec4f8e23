"""What is wrong now: rules over snapshots, one small function each. Pure."""

from console.core.thresholds import Thresholds
from console.findings.evaluate import CODES, Evaluator, evaluate
from console.findings.seen import blind, not_seen

__all__ = ["CODES", "Evaluator", "Thresholds", "blind", "evaluate", "not_seen"]
