require "json"

def handler(env)
  headers = env.filter_map { |name, value| [name[5..].downcase.tr("_", "-"), value] if name.start_with?("HTTP_") }.to_h
  raise "as asked" if headers["x-fails"]

  said = {
    method: env["REQUEST_METHOD"], path: env["PATH_INFO"], query: env["QUERY_STRING"],
    headers: headers.merge("content-type" => env["CONTENT_TYPE"]), body: env["rack.input"].read.bytes,
  }
  cookies = "a=1\nb=2"
  [headers.fetch("x-status", 200), { "content-type" => "application/json", "set-cookie" => cookies }, [said.to_json]]
end
