require "json"
require "net/http"
require "timeout"
require "uri"

BASE = URI(ENV.fetch("UPSTREAM_URL"))
ROOT = BASE.path.sub(%r{/+\z}, "")
METHODS = ENV.fetch("METHODS").upcase.split(",").map(&:strip)
TIMEOUT_MS = Integer(ENV.fetch("TIMEOUT_MS"))
BYTES_MAX = Integer(ENV.fetch("MAX_BYTES"))
AUTH_HEADER = ENV.fetch("AUTH_HEADER").downcase

# Those of one connection alone, and those whose values are made anew.
ONE_CONNECTION = %w[connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer
                    transfer-encoding upgrade expect host content-length].freeze
# Callers say these to the platform, not to the API.
OURS = ["authorization", "x-api-key", "cookie", "forwarded", "accept-encoding", AUTH_HEADER].freeze
# Cookies for another host.
THEIRS = %w[set-cookie].freeze

class Refusal < StandardError
  attr_reader :status, :code, :headers

  def initialize(status, code, message, headers = {})
    super(message)
    @status, @code, @headers = status, code, headers
  end
end

def passed(pairs, without)
  pairs = pairs.map { |name, value| [name.downcase, value] }
  named = pairs.select { |name, _| name == "connection" }.flat_map { |_, value| value.downcase.split(/\s*,\s*/) }
  dropped = ONE_CONNECTION + named + without
  pairs.reject { |name, _| dropped.include?(name) || name.start_with?("x-forwarded-") }
end

# A path below the API's own. What it may become by decoding counts, too.
def target(path, query)
  refused = ->(why) { Refusal.new(400, "bad_path", "The path #{why}") }
  unless path.match?(%r{\A/[\x21-\x7e]*\z})
    raise refused.("must begin with / and be ASCII, with anything else percent-encoded")
  end
  unless query.match?(/\A[\x21-\x7e]*\z/) && !query.include?("#")
    raise Refusal.new(400, "bad_query", "The query must be ASCII, with anything else percent-encoded")
  end

  plain = path.b
  4.times { plain = plain.gsub(/%(\h\h)/) { $1.hex.chr } }
  raise refused.("has a character that it must not have") if plain.match?(/[\\\x00-\x1f\x7f?#]/n)
  if path.start_with?("//") || plain.split("/").any? { |part| [".", ".."].include?(part) }
    raise refused.("leads out of the API")
  end

  query.empty? ? ROOT + path : "#{ROOT}#{path}?#{query}"
end

def header?(name, value)
  name.match?(/\A[\w!#$%&'*+.^`|~-]+\z/) && value.is_a?(String) && value.match?(/\A[\t\x20-\x7e]*\z/)
end

# Of a request, or as the body of an invoke call describes one.
def read(event)
  if event.key?("requestContext")
    body = event["body"] || ""
    body = body.unpack1("m") if event["isBase64Encoded"]
    return [event["requestContext"]["http"]["method"], event["rawPath"], event["rawQueryString"], event["headers"], body]
  end
  sent = { "method" => "GET", "path" => "/", "query" => "", "headers" => {}, "body" => "" }.merge(event["body"] || {})
  method, path, query, headers, body = sent.values_at("method", "path", "query", "headers", "body")
  unless headers.is_a?(Hash) && headers.all? { |name, value| header?(name, value) } && [method, path, query].all?(String)
    rule = "Send {method, path, query, headers, body}, with texts for the first three, and texts without line ends as headers"
    raise Refusal.new(400, "bad_request", rule)
  end
  [method.upcase, path, query, headers, body.is_a?(String) ? body : JSON.generate(body)]
end

def limited(response)
  body = String.new
  response.read_body do |piece|
    body << piece
    if body.bytesize > BYTES_MAX
      raise Refusal.new(502, "upstream_too_long", "The API answered with more than #{BYTES_MAX} bytes")
    end
  end
  body
end

def ask(method, at, headers, body)
  request = Net::HTTPGenericRequest.new(method, !body.nil?, method != "HEAD", at, headers)
  request.body = body if body
  # Without the proxy that the environment may name: the address is judged where the connection is made.
  connection = Net::HTTP.new(BASE.hostname, BASE.port, nil)
  connection.use_ssl = BASE.scheme == "https"
  connection.max_retries = 0
  connection.start do
    connection.request(request) { |response| return [response, limited(response)] }
  end
end

def exchange(method, path, query, headers, body)
  at = target(path, query)
  headers = passed(headers, OURS).to_h.merge("accept-encoding" => "identity")
  headers[AUTH_HEADER] = ENV["AUTH_VALUE"] unless ENV["AUTH_VALUE"].to_s.empty?
  body = nil if %w[GET HEAD].include?(method) || body.empty?
  Timeout.timeout(TIMEOUT_MS / 1000.0) { ask(method, at, headers, body) }
rescue Timeout::Error => error
  puts "#{method} #{at}: #{error.class}"
  raise Refusal.new(504, "upstream_timeout", "The API did not answer within #{TIMEOUT_MS} ms")
rescue SystemCallError, IOError, SocketError, OpenSSL::SSL::SSLError, Net::ProtocolError, Net::HTTPBadResponse, ArgumentError => error
  puts "#{method} #{at}: #{error.class}: #{error.message}"
  raise Refusal.new(502, "upstream_failed", "The API cannot be reached, or its answer cannot be read")
end

def handler(event:, context:)
  method, path, query, headers, body = read(event)
  unless METHODS.include?(method)
    names = METHODS.join(", ")
    raise Refusal.new(405, "method_not_allowed", "Only #{names} are let through", { "allow" => names })
  end
  raise Refusal.new(413, "body_too_long", "A body has #{BYTES_MAX} bytes at most") if body.bytesize > BYTES_MAX

  response, body = exchange(method, path, query, headers, body)
  answer = { statusCode: response.code.to_i, headers: passed(response.each_header, THEIRS).to_h }
  return answer.merge(body: [body].pack("m0"), isBase64Encoded: true) if event.key?("requestContext")

  { statusCode: 200, body: answer.merge(body: body.dup.force_encoding("UTF-8").scrub) }
rescue Refusal => error
  { statusCode: error.status, headers: error.headers, body: { error: error.message, code: error.code } }
end
