# frozen_string_literal: true

# Whether a webhook came from whom it says:
#
#     body = Zygo.verify_webhook(event, scheme: "github", secret: ENV.fetch("WEBHOOK_SECRET"))
#
# Signatures cover the body's very bytes, so the trigger must not parse it: `eventFormat: "lambda-v2"`.
module Zygo
  # A webhook that is not to be believed; `code` says why: header_missing, header_malformed, body_parsed, expired, mismatch.
  class WebhookError < StandardError
    attr_reader :code

    def initialize(code, message)
      super(message)
      @code = code
    end
  end

  # What each scheme signs, when that was, and which signatures a request brings.
  module Webhooks
    TOLERANCE_S = 300

    class << self
      def github(header, body)
        algorithm, digest = header.call("x-hub-signature-256").split("=", 2)
        [body, nil, algorithm == "sha256" ? [hex(digest)] : []]
      end

      def stripe(header, body)
        pairs = header.call("stripe-signature").split(",").map { |part| part.strip.split("=", 2) }
        signed_at = pairs.assoc("t")&.last.to_s
        ["#{signed_at}.".b + body, signed_at, pairs.select { |name, _| name == "v1" }.map { |_, value| hex(value) }]
      end

      def slack(header, body)
        signed_at = header.call("x-slack-request-timestamp")
        version, digest = header.call("x-slack-signature").split("=", 2)
        ["v0:#{signed_at}:".b + body, signed_at, version == "v0" ? [hex(digest)] : []]
      end

      def standard(header, body)
        signed_at = header.call("webhook-timestamp")
        pairs = header.call("webhook-signature").split.map { |part| part.split(",", 2) }
        signed = "#{header.call("webhook-id")}.#{signed_at}.".b + body
        [signed, signed_at, pairs.select { |version, _| version == "v1" }.map { |_, value| base64(value) }]
      end

      def key(scheme, secret)
        unless secret.is_a?(String) && !secret.empty?
          raise ArgumentError, "secret: a text that is not empty is needed; is the function's secret set?"
        end
        return secret unless scheme == "standard"

        base64(secret.delete_prefix("whsec_")) ||
          raise(ArgumentError, "secret: that of the scheme standard is base64, with or without whsec_ before it")
      end

      def raw_body(event)
        Event.body_bytes(event) || raise(WebhookError.new(
          "body_parsed",
          'body: it was parsed, and signatures cover its bytes; give the trigger eventFormat "lambda-v2"',
        ))
      end

      # Each with each, whatever was found: the time that it takes tells nothing.
      def any_equal?(made, signatures)
        made.product(signatures).map { |one, other| OpenSSL.secure_compare(one, other) }.any?
      end

      def check_time(signed_at, tolerance)
        unless signed_at.match?(/\A\d{1,15}\z/)
          raise WebhookError.new("header_malformed", "the time of the signature is not a number of seconds")
        end
        return if tolerance.nil? || (Time.now.to_i - signed_at.to_i).abs <= tolerance

        raise WebhookError.new("expired", "it was signed more than #{tolerance} s ago or ahead")
      end

      private

      def hex(text) = text&.match?(/\A(\h\h)+\z/) ? [text].pack("H*") : nil

      def base64(text)
        decoded = text.to_s.unpack1("m0")
        decoded.empty? ? nil : decoded
      rescue ArgumentError
        nil
      end
    end
    SCHEMES = %w[github slack standard stripe].freeze
  end

  # The event's body as bytes when one of the signatures was made with the secret, or with one of several.
  #
  # `scheme` is github, slack, standard (Standard Webhooks) or stripe; `tolerance` is in seconds, `nil` for any time.
  # Raises WebhookError.
  def self.verify_webhook(event, scheme:, secret:, tolerance: Webhooks::TOLERANCE_S)
    unless Webhooks::SCHEMES.include?(scheme.to_s)
      raise ArgumentError, "scheme: one of #{Webhooks::SCHEMES.join(", ")} is needed, not #{scheme.inspect}"
    end

    scheme = scheme.to_s
    keys = (secret.is_a?(Array) ? secret : [secret]).map { |one| Webhooks.key(scheme, one) }
    headers = (event["headers"] || {}).to_h { |name, value| [name.to_s.downcase, value.to_s] }
    header = lambda do |name|
      value = headers[name].to_s
      value.empty? ? raise(WebhookError.new("header_missing", "#{name}: the header is missing")) : value
    end
    body = Webhooks.raw_body(event)
    signed, signed_at, signatures = Webhooks.public_send(scheme, header, body)
    signatures = signatures.compact
    if signatures.empty?
      raise WebhookError.new("header_malformed", "the signature is not one of the scheme #{scheme}")
    end

    Webhooks.check_time(signed_at, tolerance) if signed_at
    made = keys.map { |key| OpenSSL::HMAC.digest("SHA256", key, signed) }
    unless Webhooks.any_equal?(made, signatures)
      raise WebhookError.new("mismatch", "the signature was not made with this secret, or not of this body")
    end
    body
  end
end
