# frozen_string_literal: true

require "set"

module Zygo
  # Answers that go out in pieces: enumerators, and all that has an `each` and is no value of its own.
  module Stream
    # What has an `each`, but is a value as a whole.
    VALUES = [Array, Hash, Range, Set, String, Struct].freeze

    class << self
      def one?(value)
        return true if value.is_a?(Enumerator)

        value.respond_to?(:each) && VALUES.none? { |type| type === value } && !Response.own_json?(value)
      end

      # Sends every piece; the caller waits as long as nobody takes them.
      def give(status, headers, body)
        Native.begin(status, headers)
        body.each { |piece| push(piece) }
        [status, headers, KIND_SENT, nil]
      ensure
        body.close if body.respond_to?(:close)
      end

      private

      def push(piece)
        unless piece.is_a?(String)
          raise ResponseError, "a piece of the answer's body is #{Response.shown(piece)}, neither text nor bytes"
        end

        is_binary = Response.binary?(piece)
        refusal = Native.piece(is_binary, is_binary ? piece : Response.utf8(piece))
        raise ResponseError, refusal if refusal
      end
    end
  end
end
