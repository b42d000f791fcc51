# Sends data that is made by seed to an HTTP server, with Net::HTTP, and passes on what that says of it.
require "json"
require "net/http"

BLOCK = 1024

def data(length, state)
  block = Array.new(BLOCK) do
    state = (state * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
    state >> 24
  end
  block.pack("C*") * (length / BLOCK)
end

def handler(event, context)
  url, bytes, seed = event["body"].values_at("url", "bytes", "seed")
  response = Net::HTTP.post(URI(url), data(bytes, seed), "content-type" => "application/octet-stream")
  raise "the server answered #{response.code}" unless response.is_a?(Net::HTTPSuccess)

  { statusCode: 200, body: JSON.generate({ bytes: bytes, sha256: response.body }) }
end
