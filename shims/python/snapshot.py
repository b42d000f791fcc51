"""What the interpreter needs around a fork: a clean heap before, and nothing shared that must be unique after.

Everything that can be done once in a zygote is, because what an instance does, every cold start waits for.
"""

import asyncio
import ctypes
import gc
import os
import random
import ssl
import sys
import tempfile
import uuid

from _zygo import hooks, loop

# The seed method itself: the one in Python above it reads 2,500 bytes from the system, which a seed does not need.
seed_random = super(random.Random, random._inst).seed


def before_snapshot():
    """Runs the user's hooks and shares the heap. Returns whether instances have to call `after_restore`."""
    for hook, args, kwargs in hooks._take(hooks._before_snapshot, reversed):
        result = hook(*args, **kwargs)
        if asyncio.iscoroutine(result):
            loop.run_to_end(result)
    forget()
    global _numpy_words
    _numpy_words = find_numpy_words()
    share_heap()
    return bool(hooks._after_restore) or "numpy.random" in sys.modules


# How many bytes the words of a Mersenne Twister take up.
WORDS_LEN = 624 * 4

# Where NumPy's legacy generator keeps its words; None when there is none, or when it is not where it should be.
_numpy_words = None


def find_numpy_words():
    """Seeds NumPy's legacy generator and finds its memory, so that an instance need only fill it with other words.

    Seeding it anew in each instance would cost a millisecond: NumPy's own code has to be read into memory for it.
    """
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is None:
        return None
    # Also forgets the second half of a pair of normal numbers, and puts the position behind the last word.
    numpy_random.seed(memoryview(os.urandom(16)).cast("I").tolist())
    try:
        generator = numpy_random.mtrand._rand
        address = generator._bit_generator.ctypes.state_address
        kind, words, position, *_ = generator.get_state()
        found = ctypes.string_at(address, WORDS_LEN)
    except Exception:
        return None
    return address if kind == "MT19937" and position == 624 and found == words.tobytes() else None


def reseed_numpy(numpy_random):
    """Gives NumPy's legacy generator another state."""
    if _numpy_words is not None:
        ctypes.memmove(_numpy_words, os.urandom(WORDS_LEN), WORDS_LEN)
    else:
        numpy_random.seed(memoryview(os.urandom(16)).cast("I").tolist())


def forget():
    """Drops what was drawn or made once and must not be the same in two instances."""
    loop.forget_policy_loop()
    random._inst.gauss_next = None
    uuid._node = uuid._last_timestamp = None
    tempfile._name_sequence = None


def share_heap():
    """Collects garbage and puts the rest out of the collector's sight, which otherwise writes to every object."""
    gc.collect()
    gc.freeze()


def reseed():
    """For a process with OpenSSL's generator in the same state as a relative's."""
    ssl.RAND_add(os.urandom(32), 32.0)
    # Both of its generators take over the new seed when they are next used.
    ssl.RAND_bytes(1)
    forget()


def after_restore():
    """The rare rest of what an instance does first."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        reseed_numpy(numpy_random)
    for hook, args, kwargs in hooks._take(hooks._after_restore, iter):
        result = hook(*args, **kwargs)
        if asyncio.iscoroutine(result):
            loop.run(result)
