"""Hostdeck: a terminal operations console for hosts reached over SSH."""

__version__ = "0.1.0"
