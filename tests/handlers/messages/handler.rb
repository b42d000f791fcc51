# Fails as often as the message asks for, and writes what it was given.
require "json"

def handler(event, context)
  data = event["data"]
  failures = data.is_a?(Hash) ? data.fetch("failures", 0) : 0
  attempt = event["delivery"]["attempt"]
  raise "not yet: attempt #{attempt}" if attempt <= failures

  puts "given #{JSON.generate(event)}"
  { statusCode: 200, body: { attempt: attempt } }
end
