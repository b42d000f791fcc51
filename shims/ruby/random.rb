# frozen_string_literal: true

module Zygo
  # Finds the generators that a fork would copy. Ruby itself reseeds only its default one.
  # Generators with a seed of the user's own are left alone: their sequence is what the user asked for.
  module Generators
    @unseeded = []
    @initialize = Random.instance_method(:initialize)

    # Notes generators that are made without a seed, until it is removed.
    module Recorder
      def new(*seed)
        generator = super
        Generators.unseeded << generator if seed.empty?
        generator
      end
    end
    Random.singleton_class.prepend(Recorder)

    class << self
      attr_reader :unseeded

      # New seeds from the kernel for every noted generator, in place, because constants hold them.
      def reseed = @unseeded.each { |generator| @initialize.bind_call(generator) }

      # From here on generators are made by the process that uses them.
      def stop_recording
        Recorder.remove_method(:new) if Recorder.method_defined?(:new, false)
      end
    end
  end
end
