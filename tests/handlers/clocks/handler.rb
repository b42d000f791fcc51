def handler(event:, context:)
  {
    pid: $$,
    unixMs: Time.now.to_f * 1000,
    otherMs: Process.clock_gettime(Process::CLOCK_REALTIME, :float_millisecond),
    monotonicMs: Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_millisecond),
  }
end
