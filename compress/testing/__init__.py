"""What tests need, for this package and for what is added to it from outside: small trackers, runs and profiles.

Nothing here is imported by the rest of the package. Trackers come from `small_specs`, `networks`, `small_trackers` and
`bundle_specs`, profiles whose sums can be worked out by hand from `toy_profile` and `guessed_profile`, run directories
from `synthetic_run` and `trained_run`, a device behind ssh from `loopback`. `published` fills networks by the rules
with which figures were recorded from published code.
"""
