def echo(event)
  body = event["body"]
  event.merge("body" => body.is_a?(String) && body.encoding == Encoding::ASCII_8BIT ? body.bytes : body)
end

ANSWERS = {
  "/echo" => ->(event) { echo(event) },
  "/made" => ->(_) { { statusCode: 201, headers: { "X-One" => "1", "x-list" => %w[a b] }, cookies: ["a=1", "b=2; Secure"], body: { made: true } } },
  "/text" => ->(_) { { statusCode: 200, body: "just text" } },
  "/html" => ->(_) { { statusCode: 200, headers: { "content-type" => "text/html" }, body: "<p>" } },
  "/bytes" => ->(_) { { statusCode: 200, headers: { "Content-Type" => "image/png" }, isBase64Encoded: true, body: "AAH/" } },
  "/list" => ->(_) { [1, "two"] },
  "/nothing" => ->(_) {},
  "/204" => ->(_) { { statusCode: 204, body: "left out" } },
  "/304" => ->(_) { { statusCode: 304, headers: { "etag" => '"t"' } } },
  "/split" => ->(_) { { statusCode: 200, headers: { "x-a" => "1\r\nset-cookie: evil=1" }, body: "x" } },
  "/chunked" => ->(_) { { statusCode: 200, headers: { "Transfer-Encoding" => "chunked" }, body: "x" } },
  "/length" => ->(_) { { statusCode: 200, headers: { "Content-Length" => "99" }, body: "x" } },
  "/cookie" => ->(_) { { statusCode: 200, headers: { "Set-Cookie" => "a=1; Domain=example.org" }, body: "x" } },
  "/many" => ->(_) { { statusCode: 200, headers: { "x-many" => ["1"] * 1_000 }, body: "x" } },
  "/long" => ->(_) { { statusCode: 200, headers: { "x-long" => "a" * 100_000 }, body: "x" } },
  "/early" => ->(_) { { statusCode: 101, body: "x" } },
  "/throws" => ->(_) { raise "the secret reason" },
  "/big" => ->(_) { { statusCode: 200, headers: { "etag" => '"big"' }, body: "Zygo " * 10_000 } },
  "/noise" => ->(_) { { statusCode: 200, headers: { "content-type" => "image/png" }, body: ("x" * 5_000).b } },
}.freeze

def handler(event:, context:)
  ANSWERS.fetch(event["path"] || event["rawPath"]).call(event)
end
