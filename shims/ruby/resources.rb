# frozen_string_literal: true

module Zygo
  # Names what a loaded module left open or running, for people who must remove it.
  module Resources
    LOCATION = /\A#<\S+ (?:.*? )?(\S+:\d+) /

    class << self
      # Threads other than the main one.
      def threads
        (Thread.list - [Thread.main]).map do |thread|
          place = thread.to_s[LOCATION, 1]&.delete_prefix(Runtime.root)
          [thread.name ? "thread `#{thread.name}`" : "thread", place && "at #{place}"].compact.join(" ")
        end
      end

      # Sockets, pipes and files that are open and that somebody still refers to.
      def open_ios
        return [] if described.empty?

        # Closes what nobody refers to any more.
        GC.start
        described
      end

      private

      def described
        ObjectSpace.each_object(IO).filter_map do |io|
          next if io.closed? || io.fileno <= 2

          "#{describe(io)} left open at load (descriptor #{io.fileno})"
        rescue IOError
          nil
        end
      end

      def describe(io)
        case io
        when BasicSocket then "a socket#{peer(io)}"
        when File then "the file `#{io.path}`"
        else "a pipe"
        end
      end

      def peer(socket)
        " connected to #{socket.remote_address.inspect_sockaddr}"
      rescue SystemCallError, SocketError
        begin
          " bound to #{socket.local_address.inspect_sockaddr}"
        rescue SystemCallError, SocketError
          ""
        end
      end
    end
  end
end
