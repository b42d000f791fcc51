"""Keeps the common library's own fork hooks out of cold starts. Imported before anything that has some.

The standard library renews its locks after every fork, because another thread may have held them. A zygote has one
thread and forks while it holds none, so all that these hooks would do there is to copy pages. They run when user code
forks by itself. What user code registers is not touched.
"""

import os

_before, _after_in_parent, _after_in_child = [], [], []
_register, _fork, _forkpty = os.register_at_fork, os.fork, os.forkpty


def _record(*, before=None, after_in_parent=None, after_in_child=None):
    for hooks, hook in ((_before, before), (_after_in_parent, after_in_parent), (_after_in_child, after_in_child)):
        if hook is not None:
            hooks.append(hook)


def _run_after(hooks):
    for hook in hooks:
        hook()


def _with_hooks(fork, pid_of):
    def fork_with_hooks():
        for hook in reversed(_before):
            hook()
        try:
            result = fork()
        except OSError:
            _run_after(_after_in_parent)
            raise
        _run_after(_after_in_parent if pid_of(result) else _after_in_child)
        return result

    fork_with_hooks.__name__ = fork_with_hooks.__qualname__ = fork.__name__
    fork_with_hooks.__doc__ = fork.__doc__
    return fork_with_hooks


def stop_recording():
    os.register_at_fork = _register
    os.fork = _with_hooks(_fork, lambda result: result)
    os.forkpty = _with_hooks(_forkpty, lambda result: result[0])


os.register_at_fork = _record
