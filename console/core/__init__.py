"""Pure types and rules: no input or output, no asyncio, no clock, no environment."""
