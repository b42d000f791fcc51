require "stringio"

PIECE = 64 * 1024
MIB = 1024 * 1024

# A body in Rack's manner; it tells that it was closed.
class Body
  def each
    yield "a"
    yield ""
    yield "bé"
  end

  def close = puts("closed")
end

def texts = Enumerator.new { |out| out << "a" << "" << "bé" }

FORMS = {
  "enumerator" => -> { texts },
  "lazy" => -> { ["a", "bé"].each.lazy.map(&:itself) },
  "object" => -> { Body.new },
  "file" => -> { StringIO.new("abé") },
  "body" => -> { { statusCode: 200, body: texts } },
  "bodyObject" => -> { { "statusCode" => 200, "body" => Body.new } },
}.freeze

def pieces(body, out)
  case body["do"]
  when "bytes" then out << [0, 255].pack("C*") << [1, 0].pack("C*")
  when "large" then (body["mib"] * MIB / PIECE).times { out << "a" * PIECE }
  when "endless"
    1.step do |number|
      puts "piece #{number}"
      out << "x" * MIB
    end
  when "fails"
    out << "a" if body["after"]
    raise TypeError, "midway"
  when "wrong"
    out << "a" if body["after"]
    out << 5
  when "lines"
    puts "one"
    out << "a"
    puts "two"
    out << "b"
    puts "three"
  when "hang"
    out << "first"
    sleep
  end
end

def handler(event:, context:)
  body = event["body"]
  return FORMS.fetch(body["form"]).call if body.key?("form")

  case body["do"]
  when "head"
    headers = { "X-Own" => "yes", "content-type" => "text/event-stream", "content-length" => "3" }
    { statusCode: 201, headers: headers, cookies: %w[a=1 b=2], body: texts }
  when "wrongHead"
    hanging = Enumerator.new { |out| pieces({ "do" => "hang" }, out) }
    { statusCode: 200, headers: { "x-own" => "a\nb" }, body: hanging }
  when "whole" then { statusCode: 202, headers: { "x-own" => "yes" }, body: { whole: true } }
  else Enumerator.new { |out| pieces(body, out) }
  end
end
