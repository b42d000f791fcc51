def handler(event, context):
    return event["body"]["n"]
