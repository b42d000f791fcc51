# Invocations that meet: what the module keeps is shared by all that run in one process.
LOCK = Mutex.new
CHANGED = ConditionVariable.new
MET = Hash.new(0)

# Waits until so many have come there.
def meet(name, of)
  LOCK.synchronize do
    MET[name] += 1
    CHANGED.broadcast
    CHANGED.wait(LOCK) until MET[name] >= of
  end
end

def pieces(body, name, out)
  3.times do |round|
    meet("#{name}-#{round}", 2)
    puts "#{body["own"]} gives #{round}"
    out << "#{body["own"]}#{round}"
  end
end

def endless(out)
  loop { out << "x" * 64 * 1024 }
ensure
  puts "endless has ended"
end

def handler(event:, context:)
  body = event["body"]
  case body["do"]
  when "meet"
    puts "#{body["own"]} has come"
    meet("all", body["of"])
    puts "#{body["own"]} goes"
    return { pid: Process.pid, requestId: context.aws_request_id }
  when "stay"
    puts "#{body["own"]} stays"
    meet("never", Float::INFINITY)
  when "nap" then sleep(body["ms"] / 1000.0)
  when "echo" then return { pid: Process.pid, own: body["own"], text: body["text"] }
  when "fail" then raise TypeError, "of #{body["own"]}"
  when "crash" then exit!(3)
  when "stream" then return Enumerator.new { |out| pieces(body, "stream", out) }
  when "endless" then return Enumerator.new { |out| endless(out) }
  when "large" then return Enumerator.new { |out| (body["mib"] * 16).times { out << "x" * 64 * 1024 } }
  end
  { pid: Process.pid }
end
