KINDS = { Hash => "object", Array => "list", NilClass => "nothing", TrueClass => "boolean" }.freeze

def kind_of(body)
  return KINDS.fetch(body.class, "number") unless body.is_a?(String)

  body.encoding == Encoding::ASCII_8BIT ? "bytes" : "string"
end

def handler(event, context)
  body = event["body"]
  kind = kind_of(body)
  {
    method: event["method"],
    path: event["path"],
    query: event["query"],
    headers: event["headers"],
    requestId: event["requestId"],
    kind: kind,
    body: kind == "bytes" ? body.bytes : body,
  }
end
