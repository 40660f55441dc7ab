"""Measuring on a device that the system's ssh reaches."""
