"""How much longer than on a machine of its own a test waits for something before it fails."""

SHARED = 6.0
"""Tests run six files at once on whatever cores there are: a bound for an idle machine is multiplied by this."""
