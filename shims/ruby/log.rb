# frozen_string_literal: true

require "logger"
require "stringio"

module Zygo
  # Standard output or standard error of a function. Each line goes to the platform with a level; nothing is kept here.
  # A StringIO, because that brings every method of an IO, all of which end in `write`.
  class Output < StringIO
    def initialize(stream, descriptor)
      super("".dup)
      @stream = stream
      @descriptor = descriptor
    end

    def write(*parts)
      parts.sum do |part|
        text = part.is_a?(String) ? part : part.to_s
        Native.write(@stream, text)
        text.bytesize
      end
    end

    def putc(character)
      write(character.is_a?(Integer) ? (character & 0xff).chr : character.to_s[0])
      character
    end

    def syswrite(text) = write(text)
    def write_nonblock(text, **) = write(text)
    def fileno = @descriptor
    alias to_i fileno
    def sync = true
    def flush = self
    def fsync = 0
    alias fdatasync fsync
    def close = nil
    alias close_write close
    def inspect = "#<Zygo::Output #{@descriptor == 1 ? '<STDOUT>' : '<STDERR>'}>"
  end

  # A Logger that writes to one of our outputs: its severity becomes the line's level, once, instead of a prefix.
  module LeveledLogger
    LEVELS = [LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR, LEVEL_ERROR, LEVEL_INFO].freeze

    def add(severity, message = nil, progname = nil)
      return super unless @logdev && Output === @logdev.dev

      severity ||= ::Logger::UNKNOWN
      return true if severity < level

      progname ||= @progname
      if message.nil?
        if block_given?
          message = yield
        else
          message = progname
          progname = @progname
        end
      end
      Native.lines(LEVELS[severity] || LEVEL_INFO, leveled_text(severity, message, progname))
      true
    end

    def log(severity, message = nil, progname = nil, &block) = add(severity, message, progname, &block)

    private

    def leveled_text(severity, message, progname)
      unless @formatter.nil? || @formatter.instance_of?(::Logger::Formatter)
        return @formatter.call(format_severity(severity), Time.now, progname, message).to_s
      end

      text = (@formatter || @default_formatter).__send__(:msg2str, message)
      progname ? "#{progname}: #{text}" : text
    end
  end
  ::Logger.prepend(LeveledLogger)

  # Puts our outputs where Ruby and people look for them.
  module Log
    def self.capture
      out = Output.new(0, 1)
      err = Output.new(1, 2)
      Object.__send__(:remove_const, :STDOUT)
      Object.__send__(:remove_const, :STDERR)
      Object.const_set(:STDOUT, out)
      Object.const_set(:STDERR, err)
      $stdout = out
      $stderr = err
    end
  end
end

# Ruby's own definition of where warnings go, with a level of their own.
module Warning
  remove_method :warn

  def warn(message, category: nil)
    if Zygo::Output === $stderr
      Zygo::Native.lines(Zygo::LEVEL_WARN, message)
    else
      $stderr&.write(message)
    end
    nil
  end
end
