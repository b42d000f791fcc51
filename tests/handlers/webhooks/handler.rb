def handler(event:, context:)
  options = event["body"].transform_keys(&:to_sym)
  sent, bytes = options.delete(:event), options.delete(:bytes)
  sent["body"] = bytes.pack("C*") if bytes
  { verified: Zygo.verify_webhook(sent, **options).force_encoding("UTF-8") }
rescue Zygo::WebhookError => error
  { code: error.code, message: error.message }
rescue ArgumentError => error
  { code: "usage", message: error.message }
end
