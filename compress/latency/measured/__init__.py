"""Latency predicted from measured parts of a device."""
