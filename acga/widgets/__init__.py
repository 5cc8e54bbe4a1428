"""Widgets of the notebooks: the scrubber, and `QueryDemo`, which finds what sentences describe in a video."""

from .query_demo import QueryDemo
from .scrubber import Scrubber, scrub

__all__ = ["QueryDemo", "Scrubber", "scrub"]
