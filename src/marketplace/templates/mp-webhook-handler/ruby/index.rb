require "json"
require "uri"

def process(kind, delivery, _payload)
  puts "#{kind} #{delivery}"
end

# Where each sender says what happened, and which delivery it is.
def read(headers, text)
  if headers["content-type"].to_s.start_with?("application/x-www-form-urlencoded")
    form = URI.decode_www_form(text).to_h
    payload = form.key?("payload") ? JSON.parse(form["payload"]) : form
  else
    payload = JSON.parse(text)
  end
  inner = payload["event"].is_a?(Hash) ? payload["event"] : {}
  kind = headers["x-github-event"] || inner["type"] || payload["type"] || "unknown"
  delivery = headers["x-github-delivery"] || headers["webhook-id"] || payload["event_id"] || payload["id"]
  [kind, delivery, payload]
end

def answer(status, body) = { statusCode: status, body: body }

def handler(event:, context:)
  secrets = ENV.fetch("WEBHOOK_SECRET").split(" ")
  body = Zygo.verify_webhook(event, scheme: ENV.fetch("WEBHOOK_SCHEME"), secret: secrets)
  begin
    kind, delivery, payload = read(event["headers"], body.dup.force_encoding("UTF-8"))
  rescue JSON::ParserError, ArgumentError, TypeError, NoMethodError
    return answer(400, { error: "The body is neither JSON nor a form" })
  end
  # Slack asks once whether anybody is here.
  return answer(200, { challenge: payload["challenge"] }) if kind == "url_verification"

  process(kind, delivery, payload)
  answer(200, { message: "Webhook processed", kind: kind })
rescue Zygo::WebhookError => error
  puts "refused: #{error.message}"
  answer(401, { error: "Invalid signature", code: error.code })
end
