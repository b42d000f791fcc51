VERSION = "one"

def handler(event:, context:)
  data = event["data"]
  case event["event"]
  when "connect" then connect(event)
  when "message" then message(event, data)
  when "disconnect"
    { pushes: [{ connectionId: "*", data: "left #{data["connectionId"]} #{data["code"]}" }] }
  else
    { pushes: [{ connectionId: event["body"]["to"], data: event["body"]["text"] }] }
  end
end

def connect(event)
  refused = event["query"]["refuse"]
  raise "not today" if refused == "throw"
  return { statusCode: refused.to_i, body: "not you" } if refused

  { statusCode: 200, headers: { "Sec-WebSocket-Protocol" => "chat" }, body: "nobody is there yet" }
end

def message(event, data)
  return { statusCode: 200, body: event["body"], isBase64Encoded: true } if data["isBase64Encoded"]

  word, first, *rest = event["body"].split(" ")
  case word
  when "version" then VERSION
  when "event"
    same = event["body"] == data["message"]
    { statusCode: 200, body: { data: data, isSame: same, context: event["requestContext"] } }
  when "long" then "#{event["body"].length} #{!data.key?("message")} #{data["messageInBody"]}"
  when "slow"
    sleep 0.1
    "slow"
  when "push" then { pushes: [{ connectionId: first, data: rest.join(" ") }], body: "pushed" }
  when "refuse" then { statusCode: 418, body: "a teapot" }
  when "throw" then raise "a secret"
  when "nothing" then nil
  else { statusCode: 200, body: data["message"] }
  end
end
