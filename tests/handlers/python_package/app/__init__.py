from .api import handler

__all__ = ["handler"]
