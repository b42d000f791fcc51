# frozen_string_literal: true

require "bigdecimal"
require "date"
require "json"

module Zygo
  # The handler's return value cannot be turned into a response.
  class ResponseError < StandardError; end

  # Turns a handler's return value into `[status, [name, value, …], body kind, body]`. A body of kind JSON is still a
  # value; the native side writes it out. One of kind SENT is out already, in pieces.
  module Response
    NO_HEADERS = [].freeze
    GENERIC_TO_JSON = Object.instance_method(:to_json).owner

    class << self
      def build(value)
        return plain(value) unless value.is_a?(Hash)

        status = pick(value, "statusCode", :statusCode)
        return [200, NO_HEADERS, KIND_JSON, value] if status.nil? && !has?(value, "statusCode", :statusCode)
        unless status.is_a?(Integer) && status.between?(100, 599)
          raise ResponseError, "statusCode must be an integer from 100 to 599, but is #{shown(status)}"
        end

        body = pick(value, "body", :body)
        return Stream.give(status, headers_of(value), body) if piecewise?(body)

        kind, body = body_of(value, body)
        [status, headers_of(value), kind, body]
      end

      # JSON of values that are neither collections nor scalars: times and decimals as their text, and whatever has a
      # `to_json` of its own. nil for all others, which Ruby's generator would write as "#<Object:0x…>".
      def json_of(value)
        case value
        when Time, Date, Rational, Complex, BigDecimal then value.to_s.to_json
        else own_json?(value) ? value.to_json.to_s : nil
        end
      end

      # Whether the value has a `to_json` of its own.
      def own_json?(value) = value.respond_to?(:to_json) && value.method(:to_json).owner != GENERIC_TO_JSON

      # Bytes that are no text in any encoding that they claim.
      def binary?(string)
        return false if string.ascii_only?

        string.encoding == Encoding::ASCII_8BIT || !string.valid_encoding?
      end

      def utf8(text)
        text.ascii_only? || text.encoding == Encoding::UTF_8 ? text : text.encode(Encoding::UTF_8)
      end

      def shown(value)
        text = value.inspect
        "#{text.length > 80 ? "#{text[0, 80]}…" : text} (#{value.class})"
      end

      private

      def plain(value)
        case value
        when nil then [200, NO_HEADERS, KIND_NONE, nil]
        when String then binary?(value) ? [200, NO_HEADERS, KIND_BINARY, value] : [200, NO_HEADERS, KIND_JSON, value]
        else piecewise?(value) ? Stream.give(200, NO_HEADERS, value) : [200, NO_HEADERS, KIND_JSON, value]
        end
      end

      # What most bodies are is known to be whole without a closer look.
      def piecewise?(body)
        case body
        when String, Hash, Array, nil, Numeric, true, false then false
        else Stream.one?(body)
        end
      end

      def pick(hash, string, symbol)
        found = hash[string]
        found.nil? ? hash[symbol] : found
      end

      def has?(hash, string, symbol) = hash.key?(string) || hash.key?(symbol)

      def body_of(value, body)
        case body
        when nil then [KIND_NONE, nil]
        when String
          return [KIND_BINARY, decoded(body)] if pick(value, "isBase64Encoded", :isBase64Encoded)

          binary?(body) ? [KIND_BINARY, body] : [KIND_TEXT, utf8(body)]
        else [KIND_JSON, body]
        end
      end

      def decoded(body)
        body.unpack1("m0")
      rescue ArgumentError
        raise ResponseError, "isBase64Encoded is true, but body is no valid base64"
      end

      def headers_of(value)
        single = pick(value, "headers", :headers)
        multi = pick(value, "multiValueHeaders", :multiValueHeaders)
        cookies = pick(value, "cookies", :cookies)
        return NO_HEADERS unless single || multi || cookies

        list = []
        append_all(list, "headers", single)
        append_all(list, "multiValueHeaders", multi)
        Array(cookies).each { |cookie| append(list, "cookies", "set-cookie", cookie) }
        list
      end

      def append_all(list, where, headers)
        return if headers.nil?
        raise ResponseError, "#{where} must be a Hash, but is #{shown(headers)}" unless headers.is_a?(Hash)

        headers.each do |name, content|
          if content.is_a?(Array)
            content.each { |one| append(list, where, name, one) }
          else
            append(list, where, name, content)
          end
        end
      end

      def append(list, where, name, content)
        case content
        when String, Symbol, Numeric, true, false then list << name.to_s << content.to_s
        when nil then nil
        else raise ResponseError, "#{where}: the value of `#{name}` must be a string, but is #{shown(content)}"
        end
      end
    end
  end
end
