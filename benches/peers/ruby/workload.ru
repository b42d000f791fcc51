# A bare Rack application with the handler in the file HANDLER.
require "json"
load ENV.fetch("HANDLER")

run(lambda do |environment|
  next [200, { "content-length" => "6" }, ["ready\n"]] if environment["REQUEST_METHOD"] == "GET"

  answer = handler({ "body" => JSON.parse(environment["rack.input"].read) }, nil)
  body = answer[:body]
  [answer[:statusCode], { "content-type" => "application/json", "content-length" => body.bytesize.to_s }, [body]]
end)
