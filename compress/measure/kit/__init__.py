"""Kits: folders that measure a family's profile on a device that has no compress."""
