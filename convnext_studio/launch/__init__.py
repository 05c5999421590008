"""Processes without Qt: the Engine."""
