"""Figures by kind: pictures (`images`), charts (`charts`) and attention over frames (`attention`), each given plain data."""

from .style import new_figure, save_as_jpeg, titled

__all__ = ["new_figure", "save_as_jpeg", "titled"]
