"""Scenes as pictures: backgrounds, actors and their motion, the camera, and the renderer that puts them together."""
