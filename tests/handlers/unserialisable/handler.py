CYCLE = {}
CYCLE["self"] = CYCLE


class Custom:
    pass


VALUES = {
    "cycle": CYCLE,
    "function": print,
    "custom": {"statusCode": 200, "body": {"big": Custom()}},
    "header": {"statusCode": 200, "headers": {"x-object": {}}},
}


def handler(event, context):
    return VALUES[event["body"]]
