def deep(depth) = deep(depth + 1) + 1

def handler(event:, context:)
  event["body"] == "deep" ? deep(0) : "fine"
end
