"""Forcing the way a frame takes through an adaptive tracker."""

from __future__ import annotations

from typing import TypeAlias

from compress.core import ExecutionPath

ForcedPath: TypeAlias = ExecutionPath
"""A way to force, for measuring and testing a tracker way by way; what it leaves None is decided as usual.

The decisions are still computed, as they are part of what a way costs, but what they say is not followed.
"""
