# frozen_string_literal: true

module Zygo
  # Finds the handler in the loaded code and decides how it wants to be called.
  module Handler
    KEYWORDS = %i[event context].freeze

    class << self
      # A proc that takes event and context and calls what `name` means.
      def find(name) = adapt(lookup(name), name)

      # A proc that passes on just what the method's parameters ask for.
      def adapt(method, name)
        return Apps.adapt(method) if Apps.app?(method)

        positional, keywords = shape(method.parameters, name)
        case [positional, keywords]
        when [2, []] then method.to_proc
        when [1, []] then ->(event, _context) { method.call(event) }
        when [0, []] then ->(_event, _context) { method.call }
        when [0, KEYWORDS] then ->(event, context) { method.call(event: event, context: context) }
        else general(method, positional, keywords)
        end
      end

      private

      def general(method, positional, keywords)
        lambda do |event, context|
          named = { event: event, context: context }.slice(*keywords)
          method.call(*[event, context].first(positional), **named)
        end
      end

      # How many positional arguments, and which keywords.
      def shape(parameters, name)
        kinds = parameters.group_by(&:first).transform_values { |entries| entries.map(&:last) }
        positional, required = positions(kinds)
        keywords = KEYWORDS & [*kinds[:keyreq], *kinds[:key]]
        keywords = KEYWORDS if kinds.key?(:keyrest) && positional.zero?
        unknown = [*kinds[:keyreq]] - KEYWORDS
        if required > 2 || unknown.any?
          wants = unknown.any? ? "the keywords #{unknown.join(', ')}" : "#{required} arguments"
          raise ArgumentError, "handler `#{name}` wants #{wants}, but gets event and context only"
        end
        [positional, keywords]
      end

      def positions(kinds)
        required = kinds.fetch(:req, []).length
        wanted = kinds.key?(:rest) ? 2 : required + kinds.fetch(:opt, []).length
        [[wanted, 2].min, required]
      end

      def lookup(name)
        *path, method = name.split(".")
        return on_constant(path.join("::"), method, name) unless path.empty?

        main = TOPLEVEL_BINDING.receiver
        return main.method(name) if defined_by_function?(main, name)
        return callable_constant(name) if name.match?(/\A[A-Z]/) && Object.const_defined?(name)

        raise HandlerNotFound, "the file was loaded, but it defines no method `#{name}`#{hint}"
      end

      # Kernel's methods are on every object too: `index.puts` is no handler.
      def defined_by_function?(main, name)
        return false unless main.respond_to?(name, true)

        owner = main.method(name).owner
        owner == Object || owner == main.singleton_class
      end

      def on_constant(path, method, name)
        receiver = Object.const_get(path)
        return receiver.method(method) if receiver.respond_to?(method)

        raise HandlerNotFound, "`#{path}` has no public method `#{method}`, which handler `#{name}` names"
      rescue NameError
        raise HandlerNotFound, "the file was loaded, but it defines no `#{path}`, which handler `#{name}` names"
      end

      def callable_constant(name)
        value = Object.const_get(name)
        return value.method(:call) if value.respond_to?(:call)

        raise HandlerNotFound, "`#{name}` is a #{value.class}, which cannot be called"
      end

      def hint
        own = (Object.private_instance_methods(false) | Object.instance_methods(false)) - Runtime.known_methods
        own.empty? ? "" : "; it defines #{own.sort.map { |one| "`#{one}`" }.join(', ')}"
      end
    end
  end
end
