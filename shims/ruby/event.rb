# frozen_string_literal: true

require "json"

module Zygo
  # What a handler gets as its first argument.
  module Event
    # Deeper than JSON.parse's own 100, which valid requests may exceed.
    NESTING_MAX = 512

    class << self
      # `body` is nil, a String for the handler, or JSON text when `body_is_json`.
      def build(json, body_is_json, body)
        event = parse(json)
        event["body"] = body_is_json ? parse(body) : body
        event
      end

      # The body as it was sent, empty when there is none; nil when it was parsed and is not to be had any more.
      def body_bytes(event)
        body = event["body"]
        return body.nil? ? "".b : nil unless body.is_a?(String)

        event["isBase64Encoded"] ? body.unpack1("m") : body.b
      end

      private

      def parse(json) = ::JSON::Parser.new(json, max_nesting: NESTING_MAX).parse
    end
  end
end
