require_relative "lib/deep"

class OrderError < StandardError; end

def own(_event) = raise("own")
def custom(_event) = raise(OrderError, "custom ☃")
def deep(_event) = fail_deeply

def cause(_event)
  fail_deeply
rescue ArgumentError
  raise "outer"
end

def builtin(_event) = nil.missing
def text(_event) = raise("x" * 1_000_000)

def handler(event:, context:)
  send(event["body"], event)
end
