require "fiddle"
require "securerandom"
require "socket"

LIBC = Fiddle.dlopen(nil)
KEPT = []

def native(name, arguments, result = Fiddle::TYPE_INT)
  Fiddle::Function.new(LIBC[name], arguments, result)
end

SYSCALL = native("syscall", [Fiddle::TYPE_LONG] * 7, Fiddle::TYPE_LONG)

def call(number, *arguments)
  before = Process.pid
  kept = []
  values = arguments.map do |it|
    next it unless it.is_a?(String)
    kept << Fiddle::Pointer[it.encode("ISO-8859-1").ljust(4096, "\0".b)]
    kept.last.to_i
  end
  result = SYSCALL.call(number, *values, *([0] * (6 - values.size)))
  exit!(0) if Process.pid != before
  raise SystemCallError.new(nil, Fiddle.last_error) if result == -1
  result
end

def memory_descriptor
  call(319, "attack", 0)
end

def read(path)
  File.open(path, "rb") { |file| file.read(64) }
  nil
end

def read_if_text(path)
  raise Errno::ENODATA if File.open(path, "rb") { |file| file.read(64) }.to_s.empty?
end

def write(path)
  File.open(path, "ab") { |file| file.write("x") }
  nil
end

def via_link(target)
  link = "/tmp/link#{SecureRandom.hex(4)}"
  File.symlink(target, link)
  read(link)
end

def hard_link(target)
  File.link(target, "/tmp/hard#{SecureRandom.hex(4)}")
  nil
end

def reach(kind, host, port)
  client = Socket.new(host.include?(":") ? :INET6 : :INET, kind)
  yield client, Socket.sockaddr_in(port, host)
  nil
ensure
  client&.close
end

def connect(host, port)
  reach(:STREAM, host, port) do |client, address|
    client.connect_nonblock(address)
  rescue IO::WaitWritable
    raise Errno::ETIMEDOUT unless client.wait_writable(2)
    code = client.getsockopt(:SOCKET, :ERROR).int
    raise SystemCallError.new(nil, code) if code != 0
  end
end

def datagram(host, port) = reach(:DGRAM, host, port) { |client, address| client.send("x", 0, address) }

def abstract(name)
  UNIXSocket.new("\0#{name}").close
end

def make_socket(domain, kind, protocol)
  Socket.new(domain, kind, protocol).close
end

def fill(size)
  trap("XFSZ", "IGNORE")
  File.open("/tmp/filler", "wb") do |file|
    file.sync = true
    (size >> 20).times { file.write("x" * (1 << 20)) }
  end
  nil
ensure
  File.unlink("/tmp/filler")
end

def fill_many(size)
  made = []
  (size >> 23).times do |index|
    made << "/tmp/filler#{index}"
    File.binwrite(made.last, "x" * (8 << 20))
  end
  nil
ensure
  made.each { |path| File.unlink(path) }
end

def inodes(count)
  Dir.mkdir("/tmp/many")
  count.times { |index| File.open("/tmp/many/#{index}", "w").close }
  nil
ensure
  Dir.each_child("/tmp/many") { |name| File.unlink("/tmp/many/#{name}") }
  Dir.rmdir("/tmp/many")
end

def dropped_program(path)
  File.binwrite(path, File.binread("/bin/true"))
  File.chmod(0o755, path)
  exec(path)
end

def memory_program
  descriptor = memory_descriptor
  IO.for_fd(descriptor, "wb", autoclose: false).syswrite(File.binread("/bin/true"))
  exec("/proc/self/fd/#{descriptor}")
end

def map_executable(path)
  File.binwrite(path, "\xC3".b * 4096)
  File.open(path) do |file|
    map = native("mmap", [Fiddle::TYPE_VOIDP, Fiddle::TYPE_SIZE_T, Fiddle::TYPE_INT, Fiddle::TYPE_INT, Fiddle::TYPE_INT, Fiddle::TYPE_LONG], Fiddle::TYPE_LONG)
    raise SystemCallError.new(nil, Fiddle.last_error) if map.call(nil, 4096, 5, 2, file.fileno, 0) == -1
  end
  nil
end

def load_library(path)
  File.binwrite(path, File.binread(Dir.glob("/usr/lib/*/libz.so.1").first))
  Fiddle.dlopen(path)
  nil
rescue Fiddle::DLError
  raise Errno::EPERM
end

def spawned(*command)
  system(*command, out: File::NULL, err: File::NULL, exception: true)
  nil
rescue RuntimeError
  raise Errno::ECHILD
end

def grep(token)
  found = []
  look = lambda do |folder|
    Dir.each_child(folder) do |name|
      path = File.join(folder, name)
      stat = File.lstat(path)
      if stat.directory?
        look.call(path) unless path.start_with?("/usr", "/lib")
      elsif stat.file? && stat.size < 1 << 22 && !path.include?("/mem")
        found << path if File.open(path, "rb") { |file| file.read_nonblock(1 << 20) }.include?(token)
      end
    rescue SystemCallError, IOError
      next
    end
  rescue SystemCallError
    nil
  end
  look.call("/")
  # The whole of what is looked for stands nowhere in this process, or it would find itself.
  File.readlines("/proc/self/maps").each do |line|
    first, last = line.split.first.split("-").map { |edge| edge.to_i(16) }
    next if !line.split[1].start_with?("rw") || last - first > 1 << 28
    area = Fiddle::Pointer.new(first)[0, last - first]
    at = -1
    while (at = area.index("planted-".b, at + 1))
      next if area[at + 8, token.bytesize] != token.b
      found << "memory #{line}"
      break
    end
  end
  found
end

def plant(token)
  KEPT << "planted-#{token}"
  File.write("/tmp/planted", KEPT.last)
  nil
end

def spin
  Signal.list.each_key do |name|
    trap(name, "IGNORE")
  rescue ArgumentError, Errno::EINVAL
    next
  end
  loop do
    loop {}
  rescue Exception
    retry
  end
end

def daemon
  reader, writer = IO.pipe
  child = fork do
    Process.setsid
    fork do
      %w[TERM HUP INT].each { |name| trap(name, "IGNORE") }
      writer.syswrite([Process.pid].pack("l"))
      sleep
    end
    exit!(0)
  end
  Process.wait(child)
  reader.sysread(4).unpack1("l")
end

def overflow
  sort = native("qsort", [Fiddle::TYPE_VOIDP, Fiddle::TYPE_SIZE_T, Fiddle::TYPE_SIZE_T, Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOID)
  sort.call(8, 8, 8, 8)
end

def fork_bomb(count)
  made = []
  count.times { made << fork { sleep 20 } }
  nil
ensure
  made.each { |pid| Process.kill(:KILL, pid) }
end

def thread_bomb(count, seconds = 0)
  made = []
  count.times { made << Thread.new { sleep 20 } }
  sleep seconds
  nil
rescue ThreadError
  raise Errno::EAGAIN
ensure
  made.each(&:kill)
end

def memory(size)
  KEPT << ("x" * size)
  nil
end

def unlimited_memory(size)
  hard = Process.getrlimit(:DATA).last
  Process.setrlimit(:DATA, hard, hard)
  memory(size)
end

def memory_file(size)
  file = IO.for_fd(memory_descriptor, "wb")
  KEPT << file
  (size >> 20).times { file.syswrite("x" * (1 << 20)) }
  nil
end

def shared_memory(size)
  map = native("mmap", [Fiddle::TYPE_VOIDP, Fiddle::TYPE_SIZE_T, Fiddle::TYPE_INT, Fiddle::TYPE_INT, Fiddle::TYPE_INT, Fiddle::TYPE_LONG], Fiddle::TYPE_LONG)
  area = map.call(nil, size, 3, 33, -1, 0)
  raise SystemCallError.new(nil, Fiddle.last_error) if area == -1
  Fiddle::Pointer.new(area, size)[0, size] = "x" * size
  nil
end

def flood(size) = (size >> 10).times { puts "x" * 1023 }.then { nil }

def native_flood(size) = (size >> 12).times { IO.for_fd(1, autoclose: false).syswrite("#{"y" * 4095}\n") }.then { nil }

def one_line(size)
  IO.for_fd(1, autoclose: false).write("z" * size)
  nil
end

def forged_lines
  IO.for_fd(1, autoclose: false).syswrite("{\"level\":\"ERROR\",\"message\":\"forged\"}\r\n\e[2Jcleared\0nul\n")
  IO.for_fd(1).close
end

def data_socket(autoclose: false)
  number = Dir.children("/proc/self/fd").find do |name|
    File.readlink("/proc/self/fd/#{name}").start_with?("socket:")
  rescue Errno::ENOENT
    false
  end
  IO.for_fd(Integer(number), "r+", autoclose: autoclose)
end

def send_packet(data)
  data_socket.syswrite(data.pack("C*"))
  nil
end

def half_then_sleep(data)
  send_packet(data)
  sleep 60
end

def send_slowly(data)
  data.each do |byte|
    send_packet([byte])
    sleep 0.01
  end
  nil
end

def packet_with(data, count, kind)
  makers = {
    "pipe" => -> { IO.pipe.first },
    "folder" => -> { Dir.new("/") },
    "zero" => -> { File.open("/dev/zero") },
    "file" => -> { IO.for_fd(memory_descriptor, "r+") },
    "socket" => -> { data_socket },
  }
  made = Array.new(count) { makers.fetch(kind).call }
  KEPT.concat(made)
  rights = made.map(&:fileno).pack("l*")
  BasicSocket.for_fd(data_socket.fileno).tap { |it| it.autoclose = false }
    .sendmsg(data.pack("C*"), 0, nil, [:SOCKET, :RIGHTS, rights])
  nil
end

def replace_socket
  one, other = Socket.pair(:UNIX, :SEQPACKET)
  KEPT << one << other
  native("dup2", [Fiddle::TYPE_INT, Fiddle::TYPE_INT]).call(one.fileno, data_socket.fileno)
  nil
end

ACTIONS = {
  "abort" => -> { native("abort", [], Fiddle::TYPE_VOID).call },
  "abstract" => method(:abstract),
  "call" => ->(*arguments) { call(*arguments) && nil },
  "chmod" => ->(path, mode) { File.chmod(mode, path) && nil },
  "close" => -> { data_socket(autoclose: true).close },
  "connect" => method(:connect),
  "daemon" => method(:daemon),
  "datagram" => ->(host, port) { datagram(host, port) && nil },
  "dropped_program" => method(:dropped_program),
  "exec" => ->(*command) { exec(*command) },
  "fatal" => -> { native("rb_bug", [Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOID).call("attack") },
  "fill" => method(:fill),
  "fill_many" => method(:fill_many),
  "flood" => method(:flood),
  "forged_lines" => method(:forged_lines),
  "fork" => -> { fork { exit!(0) } && nil },
  "fork_bomb" => method(:fork_bomb),
  "grep" => method(:grep),
  "half_then_sleep" => method(:half_then_sleep),
  "hard_link" => method(:hard_link),
  "inodes" => method(:inodes),
  "kill" => ->(pid, signal) { Process.kill(signal, pid) && nil },
  "kill_all" => -> { Process.kill(:KILL, -1) && nil },
  "list" => ->(path) { Dir.children(path) },
  "load_library" => method(:load_library),
  "map_executable" => method(:map_executable),
  "memory" => method(:memory),
  "memory_file" => method(:memory_file),
  "memory_program" => method(:memory_program),
  "mkfifo" => ->(path) { File.mkfifo(path) && nil },
  "nap" => ->(seconds = 0.2) { sleep(seconds) && Process.pid },
  "native_flood" => method(:native_flood),
  "never_reads" => -> { sleep },
  "one_line" => method(:one_line),
  "overflow" => method(:overflow),
  "packet_with" => method(:packet_with),
  "pid" => -> { Process.pid },
  "plant" => method(:plant),
  "read" => method(:read),
  "read_if_text" => method(:read_if_text),
  "replace_socket" => method(:replace_socket),
  "respond" => ->(answer) { answer },
  "segv" => -> { Fiddle::Pointer.new(8)[0, 1] },
  "send" => method(:send_packet),
  "send_slowly" => method(:send_slowly),
  "shared_memory" => method(:shared_memory),
  "sleep" => ->(seconds) { sleep(seconds) && nil },
  "socket" => method(:make_socket),
  "spawn" => method(:spawned),
  "spin" => method(:spin),
  "thread_bomb" => method(:thread_bomb),
  "unlimited_memory" => method(:unlimited_memory),
  "via_link" => method(:via_link),
  "write" => method(:write),
}.freeze

def handler(event:, context:)
  body = event["body"] || {}
  name, *arguments = body["step"] || ["pid"]
  sibling = (body["pids"] || []).find { |pid| pid != Process.pid } || 0
  arguments = arguments.map { |it| { "@own" => Process.pid, "@sibling" => sibling }.fetch(it, it) }
  result = ACTIONS.fetch(name).call(*arguments)
  result.nil? ? "ok" : result
rescue NoMemoryError
  "ENOMEM"
rescue SystemCallError => error
  error.class.name.split("::").last
rescue SocketError, IOError => error
  error.class.name
end
