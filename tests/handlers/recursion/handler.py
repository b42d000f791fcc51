def deep(depth):
    return deep(depth + 1) + 1


def handler(event, context):
    return deep(0) if event["body"] == "deep" else "fine"
