"""From times to a profile: components read off stacks, calibrated on whole trackers."""
