# frozen_string_literal: true

module Zygo
  # Several invocations at once, each in a thread of its own. Threads are made when they are wanted, and used again.
  # Knows nothing of the wire.
  module Several
    # A thread that user code starts works for the invocation of the thread that it was started by.
    module Heirs
      def initialize(*arguments, &block)
        number = Native.works_for
        return super if block.nil? || number.zero?

        super(*arguments) do |*own|
          Native.work_for(number)
          block.call(*own)
        end
      end
    end

    @serving = false
    @lock = Thread::Mutex.new
    @asked = Thread::Queue.new
    @threads = 0
    @free = 0

    class << self
      def serving? = @serving

      # Serves for the rest of the process's life.
      def serve(concurrency)
        @serving = true
        @concurrency = concurrency
        Thread.prepend(Heirs)
        socket = IO.for_fd(Native.desk, autoclose: false)
        loop do
          IO.select([socket])
          while (asked = Native.asked)
            hand_out(asked) if asked.is_a?(Array)
          end
        end
      end

      private

      def hand_out(asked)
        @lock.synchronize do
          if @free.positive?
            @free -= 1
          else
            start_thread
          end
        end
        @asked << asked
      rescue ThreadError => error
        # There is no memory for another thread; those that are there will come to it, if there are any.
        @threads.zero? ? Native.fail(asked.first, error) : @asked << asked
      end

      def start_thread
        return if @threads == @concurrency

        Thread.new { work }
        @threads += 1
      end

      def work
        loop do
          run(*@asked.pop)
          @lock.synchronize { @free += 1 }
        end
      ensure
        @lock.synchronize { @threads -= 1 }
      end

      def run(number, *arguments)
        Native.work_for(number)
        Native.started(number)
        Native.answer(number, Runtime.invoke(*arguments))
        ended = true
      rescue Exception => error # rubocop:disable Lint/RescueException
        ended = true
        Native.fail(number, error)
      ensure
        Native.fail(number, ThreadError.new("the handler ended the thread that it ran in")) unless ended
        Native.work_for(0)
      end
    end
  end
end
