"""The functions that user code wants to be called around a snapshot. Seen by users as `zygo`, with the help for webhooks.

    import zygo

    @zygo.after_restore
    def connect(): ...
"""

import sys
import types

from _zygo.webhooks import WebhookError, verify_webhook

__all__ = ["WebhookError", "after_restore", "before_snapshot", "verify_webhook"]

_before_snapshot = []
_after_restore = []


def before_snapshot(function):
    """Calls `function` once, after the module was loaded and before it is shared by all instances."""
    _before_snapshot.append((function, (), {}))
    return function


def after_restore(function):
    """Calls `function` in every new instance, before its first invocation."""
    _after_restore.append((function, (), {}))
    return function


def _register_before_snapshot(func, *args, **kwargs):
    _before_snapshot.append((func, args, kwargs))
    return func


def _register_after_restore(func, *args, **kwargs):
    _after_restore.append((func, args, kwargs))
    return func


def _take(hooks, ordered):
    taken = list(ordered(hooks))
    hooks.clear()
    return taken


def _install():
    """Offers the names that Lambda's SnapStart gave the same hooks."""
    module = types.ModuleType("snapshot_restore_py", "The same hooks as in `zygo`, under SnapStart's names.")
    module.register_before_snapshot = _register_before_snapshot
    module.register_after_restore = _register_after_restore
    sys.modules[module.__name__] = module
    sys.modules["zygo"] = sys.modules[__name__]
