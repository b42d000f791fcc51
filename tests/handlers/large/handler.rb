# Fails unless a text came whole, in whichever place it came.
def handler(event, context)
  given = event["body"] || event["data"]
  came = given["text"].size
  raise "#{came} of #{given["length"]} letters came" unless came == given["length"]

  { statusCode: 200, body: came }
end
