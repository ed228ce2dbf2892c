"""Frames to files and back."""
