"""Foundations of all rooms: devices, processes, files written whole or not at all, checked values, the provenance of results."""
