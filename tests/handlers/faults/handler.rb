ACTIONS = {
  "fine" => -> { Process.pid },
  "throw" => -> { raise "thrown" },
  "exit" => -> { exit(3) },
  "exit_now" => -> { exit!(3) },
  "abort" => -> { Process.kill(:ABRT, Process.pid) },
  "segv" => -> { Process.kill(:SEGV, Process.pid) },
  "bomb" => lambda {
    everything = []
    loop { everything << Array.new(100_000) { |index| "number #{index}" } }
  },
  "buffers" => lambda {
    everything = []
    loop { everything << ("1" * 10_000_000) }
  },
  "loop" => -> { loop {} },
  "wait" => -> { sleep 600 },
  "slow" => lambda {
    sleep 0.3
    Process.pid
  },
}.freeze

def handler(event:, context:) = ACTIONS.fetch(event["body"] || "fine").call
