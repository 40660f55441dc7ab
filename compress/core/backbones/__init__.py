"""Rules of each backbone (validity, cost, shapes), one file per backbone; `rules` is their protocol and registry."""
