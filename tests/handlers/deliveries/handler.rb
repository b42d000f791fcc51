# Fails as often as it is told to, and writes what it was given.
require "json"

def handler(event, context)
  given = event["body"] || event["data"] || {}
  attempt = event["delivery"]["attempt"]
  raise "not yet: attempt #{attempt}" if attempt <= given.fetch("failures", 0)

  written = { given: given, attempt: attempt, eventType: event["eventType"], scheduled: event["scheduledTime"] }
  puts "given #{JSON.generate(written)}"
  { statusCode: 201, body: { handled: given["number"] } }
end
