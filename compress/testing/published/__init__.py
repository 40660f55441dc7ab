"""Published trackers in the keys of their own checkpoints, filled by the rules of the recorded figures."""
