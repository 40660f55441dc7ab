"""Trackers whose work depends on the frame: bypass and early exits."""
