def handler(event, context):
    if (event["body"] or {}).get("fail"):
        raise RuntimeError("told to")
    return {
        "traceparent": context.traceparent,
        "tracestate": context.tracestate,
        "header": event["headers"].get("traceparent"),
    }
