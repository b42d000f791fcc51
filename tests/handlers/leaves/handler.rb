# Leaves something behind in every place that an invocation can change, or tells where it finds something.
require "json"
require "socket"

KEPT = []
PRISTINE = {
  cwd: Dir.pwd, limits: Process.getrlimit(:NOFILE), nice: Process.getpriority(Process::PRIO_PROCESS, 0),
  path: $LOAD_PATH.dup, encoding: Encoding.default_internal,
}.freeze

def leave
  $left = true
  KEPT.push(Socket.new(:INET, :STREAM), File.open("/var/task/index.rb"))
  Object.const_set(:LEFT, true)
  Object.class_eval { def left = true }
  String.class_eval { def reverse = "left" }
  JSON.instance_variable_set(:@left, true)
  $LOAD_PATH.push("/left")
  $LOADED_FEATURES.push("left.rb")
  ENV["LEFT"] = "1"
  Dir.chdir("/")
  File.umask(0o077)
  trap("USR1") { nil }
  Process.setrlimit(:NOFILE, 100, 100)
  Process.setpriority(Process::PRIO_PROCESS, 0, 1)
  Encoding.default_internal = "UTF-16LE" rescue nil
  GC.disable
  GC.stress = false
  $; = nil
  $, = nil
  Thread.new { sleep }.name = "left"
  at_exit { nil }
  Thread.current[:left] = true
  ["left"]
end

def look
  previous = trap("USR1", "DEFAULT")
  disabled = GC.enable
  found = {
    "a global" => $left,
    "a list of the module" => KEPT.any?,
    "a constant" => Object.const_defined?(:LEFT),
    "a method of every object" => 1.respond_to?(:left),
    "a builtin that is another" => "ab".reverse != "ba",
    "an attribute of a module" => JSON.instance_variable_defined?(:@left),
    "the path of modules" => $LOAD_PATH != PRISTINE[:path],
    "a module" => $LOADED_FEATURES.include?("left.rb"),
    "the environment" => ENV.key?("LEFT"),
    "the folder" => Dir.pwd != PRISTINE[:cwd],
    "the umask" => File.umask == 0o077,
    "a signal's handler" => previous.is_a?(Proc),
    "a limit" => Process.getrlimit(:NOFILE) != PRISTINE[:limits],
    "the priority" => Process.getpriority(Process::PRIO_PROCESS, 0) != PRISTINE[:nice],
    "the encoding" => Encoding.default_internal != PRISTINE[:encoding],
    "the collector" => disabled,
    "a thread" => Thread.list.any? { |thread| thread.name == "left" },
    "a variable of the thread" => Thread.current.key?(:left),
    "sockets and files" => Dir.children("/proc/self/fd").any? { |fd| (File.readlink("/proc/self/fd/#{fd}") rescue "").end_with?("index.rb") },
  }
  found.select { |_, there| there }.keys.sort
end

def handler(event:, context:) = event["body"] == "leave" ? leave : look
