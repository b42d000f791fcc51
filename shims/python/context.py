"""The handler's second argument, with the names that Lambda gives it."""

import time


class ClientContext:
    """Always empty: there are no mobile clients here."""

    client = None
    custom = None
    env = None


class Context:
    """What a handler may know of its invocation. All but the id, the deadline and the trace is the same for every one.

    `traceparent` and `tracestate` (or `None`) are headers for those whom the handler calls: what they do is then part
    of the invocation's trace.
    """

    # With `__dict__`, so that middleware may add attributes of its own; it is made only then.
    __slots__ = ("aws_request_id", "deadline_ms", "traceparent", "tracestate", "__dict__")

    function_name = ""
    function_version = ""
    memory_limit_in_mb = ""
    invoked_function_arn = ""
    log_group_name = ""
    log_stream_name = ""
    identity = None
    client_context = None
    tenant_id = None

    def __init__(self, request_id, deadline_ms, traceparent, tracestate):
        self.aws_request_id = request_id
        self.deadline_ms = deadline_ms
        self.traceparent = traceparent
        self.tracestate = tracestate

    @property
    def request_id(self):
        return self.aws_request_id

    def get_remaining_time_in_millis(self):
        return max(0, self.deadline_ms - time.time_ns() // 1_000_000)

    def log(self, message):
        print(message)

    def __repr__(self):
        return f"Context(request_id={self.aws_request_id!r}, function={self.function_name}:{self.function_version})"


def describe_function(name, version, memory_limit_mb):
    """Fills in what stays the same for the whole life of an instance."""
    Context.function_name = name
    Context.function_version = str(version)
    Context.memory_limit_in_mb = str(memory_limit_mb)
    Context.invoked_function_arn = f"zygo:{name}:{version}"
    Context.log_group_name = f"/zygo/{name}"
    Context.log_stream_name = f"{name}:{version}"
