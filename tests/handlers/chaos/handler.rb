def handler(event:, context:) = event["body"]["n"]
