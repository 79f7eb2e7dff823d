"""Leadkeeper answers the people who write to a small business, and proves it from rows."""

__version__ = "0.1.0"
