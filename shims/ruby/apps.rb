# frozen_string_literal: true

module Zygo
  # Whole applications as handlers: Rack (Sinatra, Rails, Roda), unchanged. An application is what is called with one
  # argument that it names `env`. Knows nothing of the wire.
  module Apps
    PORTS = { "http" => "80", "https" => "443" }.freeze
    TEXT = %r{\Atext/|json|xml|javascript}i

    class << self
      def app?(method) = method.parameters.map(&:last) == [:env]

      def adapt(method) = Handler.new(method)
    end

    # Takes events with their bodies as bytes, whatever they are.
    class Handler
      def initialize(app) = @app = app

      def call(event, _context)
        status, headers, body = @app.call(env_of(event))
        headers = headers.to_h { |name, value| [name.to_s, values(value)] }
        { "statusCode" => Integer(status), "headers" => headers, "body" => body_of(headers, body) }
      end

      private

      def env_of(event)
        http = event.dig("requestContext", "http") || {}
        path = event["rawPath"] || event["path"] || "/"
        body = Event.body_bytes(event)
        env = {
          "REQUEST_METHOD" => event["method"] || http["method"] || "POST",
          "SCRIPT_NAME" => "",
          "PATH_INFO" => URI::DEFAULT_PARSER.unescape(path),
          "QUERY_STRING" => query(event),
          "REMOTE_ADDR" => event["sourceIp"] || http["sourceIp"] || "",
          "SERVER_PROTOCOL" => "HTTP/1.1",
          "CONTENT_LENGTH" => body.bytesize.to_s,
          "rack.version" => [1, 6],
          "rack.input" => StringIO.new(body),
          "rack.errors" => $stderr,
          "rack.multithread" => Several.serving?,
          "rack.multiprocess" => true,
          "rack.run_once" => false,
          "rack.hijack?" => false,
        }
        add_headers(env, event)
      end

      def add_headers(env, event)
        headers = (event["headers"] || {}).transform_keys(&:downcase)
        headers["cookie"] ||= event["cookies"].join("; ") if event["cookies"]&.any?
        scheme = headers["x-forwarded-proto"] || "http"
        host, port = headers.fetch("host", "localhost").match(/\A(\[.*\]|[^:]*)(?::(\d+))?\z/)&.captures
        env.update("rack.url_scheme" => scheme, "SERVER_NAME" => host.to_s, "SERVER_PORT" => port || PORTS.fetch(scheme, "80"))
        headers.each do |name, value|
          value = value.join(", ") if value.is_a?(Array)
          case name
          when "content-type" then env["CONTENT_TYPE"] = value
          when "content-length" then next
          else env["HTTP_#{name.upcase.tr("-", "_")}"] = value
          end
        end
        env
      end

      def query(event)
        return event["rawQueryString"] if event["rawQueryString"].is_a?(String)

        URI.encode_www_form(event["query"] || event["queryStringParameters"] || {})
      end

      # Rack 2 has the values of one name as lines of one text.
      def values(value) = Array(value).flat_map { |one| one.to_s.split("\n") }

      def body_of(headers, body)
        return Pieces.new(body) unless body.respond_to?(:to_ary) || header(headers, "content-length")

        whole = +"".b
        Pieces.new(body).each { |piece| whole << piece }
        return nil if whole.empty?

        text = whole.dup.force_encoding(Encoding::UTF_8)
        TEXT.match?(header(headers, "content-type").to_s) && text.valid_encoding? ? text : whole
      end

      def header(headers, wanted) = headers.find { |name, _| name.downcase == wanted }&.last&.last
    end

    # A body that is closed at its end, whatever that is.
    class Pieces
      def initialize(body) = @body = body

      def each
        raise ResponseError, "the body of a Rack application must have `each`" unless @body.respond_to?(:each)

        @body.each { |piece| yield piece.b unless piece.empty? }
      ensure
        @body.close if @body.respond_to?(:close)
      end
    end
  end
end
