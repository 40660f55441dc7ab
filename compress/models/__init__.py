"""Networks from specs, and their weights."""

from compress.models.tracker import Tracker, TrackerOutput, build

__all__ = ["Tracker", "TrackerOutput", "build"]
