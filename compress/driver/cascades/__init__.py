"""Two trackers as one: the threshold of a cascade for a speed, chosen by tracking with it."""
