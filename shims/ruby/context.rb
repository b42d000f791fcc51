# frozen_string_literal: true

module Zygo
  # What a handler gets as its second argument, with the names that AWS Lambda uses.
  class Context
    class << self
      attr_reader :function_name, :function_version, :memory_limit_in_mb, :invoked_function_arn,
                  :log_group_name, :log_stream_name

      # Sets what is the same in all invocations of a function.
      def configure(name, version, memory_mb)
        @function_name = name.freeze
        @function_version = version.to_s.freeze
        @memory_limit_in_mb = memory_mb.to_s.freeze
        @invoked_function_arn = "zygo:#{name}:#{version}"
        @log_group_name = "/zygo/#{name}"
        @log_stream_name = "[#{version}]"
      end
    end

    # `traceparent` and `tracestate` (or nil) are headers for those whom the handler calls: what they do is then part of
    # the invocation's trace.
    attr_reader :aws_request_id, :deadline_ms, :traceparent, :tracestate

    def initialize(request_id, deadline_ms, traceparent, tracestate)
      @aws_request_id = request_id
      @deadline_ms = deadline_ms
      @traceparent = traceparent
      @tracestate = tracestate
    end

    alias request_id aws_request_id

    def function_name = Context.function_name
    def function_version = Context.function_version
    def memory_limit_in_mb = Context.memory_limit_in_mb
    def invoked_function_arn = Context.invoked_function_arn
    def log_group_name = Context.log_group_name
    def log_stream_name = Context.log_stream_name
    def identity = nil
    def client_context = nil
    def tenant_id = nil

    # Never below zero.
    def get_remaining_time_in_millis
      left = @deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond)
      left.negative? ? 0 : left
    end
  end
end
