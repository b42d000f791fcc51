# frozen_string_literal: true

%w[
  json set time date securerandom digest openssl socket net/http uri base64 erb tempfile tmpdir fileutils timeout
  monitor forwardable singleton ostruct bigdecimal delegate pathname zlib open3 shellwords cgi/util pp English
].each { |library| require library }

Encoding.default_external = Encoding::UTF_8

module Zygo
  # What the native side calls. Everything that a user's code must not notice stays in here.
  module Runtime
    @handler = nil
    @root = "/"

    class << self
      attr_reader :root, :known_methods

      # After the whole shim is there: capture output, and run every path once so that its caches are warm in all forks.
      def prepare
        Log.capture
        @known_methods = Object.private_instance_methods(false) | Object.instance_methods(false)
        Thread.report_on_exception = true
        warm_up
      end

      # Sets the environment and the search paths, runs the module's top level, finds the handler.
      def load(directory, file, export, environment)
        @root = Failures.root = "#{directory}/"
        ENV.replace(environment.each_slice(2).to_h)
        Dir.chdir(directory)
        OpenSSL::Random.seed(Random.urandom(32))
        find_gems(directory)
        $LOAD_PATH.unshift(directory)
        require file
        @handler = Handler.find(export)
        @takes_bytes = @handler.is_a?(Apps::Handler)
        nil
      end

      # One invocation, from texts to a response's parts.
      def invoke(request_id, deadline_ms, traceparent, tracestate, event, body_is_json, body)
        context = Context.new(request_id, deadline_ms, traceparent, tracestate)
        Response.build(@handler.call(Event.build(event, body_is_json && !@takes_bytes, body), context))
      end

      # Goes the way of an invocation with handlers that are no user's.
      def rehearse
        handler = @handler
        @handler = ->(event, _context) { { statusCode: 200, headers: { a: "b" }, body: event } }
        invoke("req-0", 0, "", nil, '{"headers":{"a":"b"},"list":[1,2.5,null,true]}', true, '{"a":["b"]}')
        @handler = ->(_event, context) { { "ok" => context.get_remaining_time_in_millis } }
        invoke("req-0", 0, "", nil, "{}", false, nil)
      ensure
        @handler = handler
      end

      # Only what was made since the heap was packed; old objects are not looked at.
      def collect_young = GC.start(full_mark: false)

      private

      # Where `bundle install --path vendor/bundle` puts gems.
      def find_gems(directory)
        # Installed at deployment, or brought along.
        homes = %w[ruby_modules vendor/bundle].map { |folder| File.join(directory, folder, "ruby", RbConfig::CONFIG["ruby_version"]) }
        home = homes.find { |path| Dir.exist?(path) }
        Gem.use_paths(home, [home, *Gem.default_path]) if home
        find_own_gems(directory) if File.exist?(File.join(directory, "Gemfile"))
      end

      # Gems that lie in the bundle itself, which a Gemfile names with `path:`, are installed nowhere.
      def find_own_gems(directory)
        specifications = Dir.glob("**/*.gemspec", base: directory)
        own = specifications.reject { |path| path.start_with?("ruby_modules/", "vendor/bundle/") }
        own.each { |path| $LOAD_PATH.push(File.expand_path(File.join(File.dirname(path), "lib"), directory)) }
      end

      def warm_up
        8.times { rehearse }
        initialize_libraries
      end

      # Libraries that set themselves up at their first use, megabytes of it in the case of OpenSSL, do so here, once.
      def initialize_libraries
        OpenSSL::Random.random_bytes(16)
        OpenSSL::SSL::SSLContext.new
        OpenSSL::HMAC.hexdigest("SHA256", "key", "text")
        Digest::SHA256.hexdigest("text")
        SecureRandom.uuid
        Time.now.iso8601
        Base64.strict_encode64("text")
      end
    end
  end
end
