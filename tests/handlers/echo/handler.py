KINDS = {dict: "object", list: "list", str: "string", bytes: "bytes", bool: "boolean", type(None): "nothing"}


def handler(event, context):
    body = event["body"]
    return {
        "method": event["method"],
        "path": event["path"],
        "query": event["query"],
        "headers": event["headers"],
        "requestId": event["requestId"],
        "kind": KINDS.get(type(body), "number"),
        "body": list(body) if isinstance(body, bytes) else body,
    }
