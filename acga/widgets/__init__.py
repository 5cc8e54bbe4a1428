"""What a reader moves, clicks and asks: the scrubber of the notebooks, and `QueryDemo`, which answers sentences about a video."""

from .query_demo import QueryDemo
from .scrubber import Scrubber, scrub

__all__ = ["QueryDemo", "Scrubber", "scrub"]
