require "logger"

puts "at load"
LOGGER = Logger.new($stdout)

def handler(event, context)
  puts "plain a 1 2"
  LOGGER.debug("debug")
  LOGGER.warn { "warn" }
  $stderr.puts "error"
  puts "two\nlines"
  print "snow "
  print "☃"
  body = event["body"] || {}
  raise "after the logs" if body["fail"]

  puts "x" * 100_000 if body["long"]
  nil
end
