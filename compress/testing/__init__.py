"""What tests need, for this package and for what is added to it from outside. Nothing else imports it.

Suites that whatever is registered keeps to, and that a plugin's author runs on their own: `latency_model_suite`,
`backend_suite`, `backbone_suite`, `knob_suite`, `source_suite`, `executor_checks`.

Small trackers come from `small_specs`, `networks`, `small_trackers` and `bundle_specs`; networks whose decisions differ
and are near no tie from `varied_decisions`. Profiles whose sums can be worked out by hand are in `toy_profile`;
`recorded_profile` puts one of this host where a search finds it, so that nothing is timed. Run
directories come from `synthetic_run` and `trained_run`, what a small search needs from `search_inputs`, a device behind
ssh from `loopback`. `shared` keeps what several test processes need for the first that asks. `published` fills networks
by the rules with which figures were recorded from published code.
"""
