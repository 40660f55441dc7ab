"""Exit thresholds for a speed, chosen after training."""
