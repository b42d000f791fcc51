require "logger"

PLAIN = Logger.new($stdout)
FORMATTED = Logger.new($stderr, progname: "shop", formatter: ->(severity, _time, progname, message) { "#{severity} #{progname} #{message}\n" })

def handler(event:, context:)
  PLAIN.info("order 7")
  PLAIN.level = Logger::WARN
  PLAIN.info("not this")
  PLAIN.warn { "block" }
  FORMATTED.error("formatted")
  warn "from warn"
  pp({ a: 1 })
  $stdout.write("a", "b", "\n")
  printf("%05.1f\n", 3.14159)
  nil
end
