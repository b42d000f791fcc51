# frozen_string_literal: true

# What functions call to be told about the snapshot: `Zygo.before_snapshot { }` and `Zygo.after_restore { }`.
module Zygo
  # The callbacks that a function registered while it was loaded.
  module Hooks
    @before = []
    @after = []

    class << self
      attr_reader :before, :after

      # In reverse order of registration, so that what was built last is taken down first.
      def run_before = @before.reverse_each(&:call)

      # In order of registration.
      def run_after = @after.each(&:call)
    end
  end

  # Runs the block once, after the function is loaded and before its process is shared by forking.
  def self.before_snapshot(&block)
    raise ArgumentError, "a block is needed" unless block

    Hooks.before << block
    nil
  end

  # Runs the block in every new instance, before its first invocation.
  def self.after_restore(&block)
    raise ArgumentError, "a block is needed" unless block

    Hooks.after << block
    nil
  end
end
