"""What a reader moves, clicks and asks: the scrubber of the notebooks, and `QueryDemo`, which answers sentences about a video."""

from .scrubber import Scrubber, scrub

__all__ = ["Scrubber", "scrub"]
