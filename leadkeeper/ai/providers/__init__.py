"""ai/providers"""
