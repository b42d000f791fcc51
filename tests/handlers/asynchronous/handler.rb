def handler(event:, context:)
  order = Queue.new
  threads = [30, 10, 20].map do |ms|
    Thread.new do
      sleep(ms / 1000.0)
      order << ms
    end
  end
  threads.each(&:join)
  { order: Array.new(3) { order.pop } }
end
