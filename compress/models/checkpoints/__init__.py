"""Weights files and the layouts of published checkpoints."""
