require "json"

ANSWERS = {
  structured: -> { { statusCode: 201, headers: { "X-One" => "1", "x-list" => %w[a b], "x-number" => 7 }, body: { made: true } } },
  cookies: -> { { "statusCode" => 200, "cookies" => ["a=1", "b=2; Secure"], "multiValueHeaders" => { "x-many" => %w[m n] }, "body" => "t" } },
  text: -> { { statusCode: 404, body: "not here" } },
  jsonText: -> { { statusCode: 200, body: JSON.generate({ a: 1 }) } },
  bodiless: -> { { statusCode: 204 } },
  base64: -> { { statusCode: 200, isBase64Encoded: true, body: "AAH/" } },
  badBase64: -> { { statusCode: 200, isBase64Encoded: true, body: "!!" } },
  bytes: -> { { statusCode: 200, body: [1, 2, 255].pack("C*") } },
  nothing: -> { nil },
  plainText: -> { "just text" },
  plainList: -> { [1, "two", nil] },
  plainNumber: -> { 4.5 },
  plainBytes: -> { [0, 128].pack("C*") },
  unstructured: -> { { status: 500, body: "no statusCode" } },
  textStatus: -> { { statusCode: "abc" } },
  wideStatus: -> { { statusCode: 999 } },
  fractionStatus: -> { { statusCode: 200.5 } },
}.freeze

def handler(event:, context:)
  ANSWERS.fetch(event["body"].to_sym).call
end
