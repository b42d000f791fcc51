$served = 0

def handler(event:, context:)
  $served += 1
  sleep((event["body"] || {}).fetch("ms", 0) / 1000.0)
  { pid: Process.pid, served: $served }
end
