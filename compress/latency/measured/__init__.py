"""Latency predicted from components measured on a device."""
