"""Figures, by kind: images, charts and attention maps."""
