# frozen_string_literal: true

module Zygo
  # The bundle does not define what `handler` names.
  class HandlerNotFound < StandardError; end

  # Describes exceptions as their author should see them: own files, relative paths, causes included.
  module Failures
    FRAMES_MAX = 64
    CAUSES_MAX = 8
    # Ruby's internals, this shim, and the wrapper that RubyGems puts around `require`.
    FOREIGN = %r{\A(?:<internal:|zygo/|-e:|/[^:]*/rubygems/core_ext/)}
    SYNTAX_LOCATION = /\A([^\n:]+:\d+): /

    @root = "/"

    class << self
      # The bundle's folder, with a slash at its end.
      attr_writer :root

      # `[class, message, [frame, …]]`
      def describe(error)
        [type(error), message(error), stack(error)]
      end

      private

      def type(error) = error.class.name || error.class.inspect

      def message(error)
        text = error.message.to_s
        error.is_a?(ScriptError) ? text.gsub(@root, "") : text
      rescue StandardError => e
        "(its message cannot be shown: #{e.class})"
      end

      def stack(error)
        lines = frames(error)
        seen = [error]
        while (error = error.cause) && !seen.include?(error) && seen.length < CAUSES_MAX
          seen << error
          lines << "caused by: #{type(error)}: #{message(error)}"
          lines.concat(frames(error))
        end
        lines
      end

      def frames(error)
        own = (error.backtrace || []).lazy.grep_v(FOREIGN).first(FRAMES_MAX).map { |line| line.delete_prefix(@root) }
        if error.is_a?(SyntaxError) && (location = message(error)[SYNTAX_LOCATION, 1])
          own.unshift(location)
        end
        own
      end
    end
  end
end
