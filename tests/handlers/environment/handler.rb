AT_LOAD = ENV["API_KEY"]

def handler(event:, context:)
  { atLoad: AT_LOAD, environment: ENV.to_h }
end
