LATE = []

def data_socket(autoclose: false)
  number = Dir.children("/proc/self/fd").find do |name|
    File.readlink("/proc/self/fd/#{name}").start_with?("socket:")
  rescue Errno::ENOENT
    false
  end
  IO.for_fd(Integer(number), "r+", autoclose: autoclose)
end

def handler(event:, context:)
  body = event["body"] || {}
  packet = (body["packet"] || []).pack("C*")
  case body["do"]
  when "send" then data_socket.syswrite(packet)
  when "flood" then data_socket.then { |socket| 100_000.times { socket.syswrite(packet) } }
  when "late"
    LATE << Thread.new do
      sleep 0.05
      data_socket.syswrite(packet)
    end
  when "join" then LATE.each(&:join)
  when "close" then data_socket(autoclose: true).close
  end
  "an honest answer"
end
