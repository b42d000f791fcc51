require_relative "lib/math"
require_relative "./lib/deep/greet"
require "plain"

def handler(event:, context:)
  require_relative "lib/lazy"
  { number: Numbers.twice(21), text: Greet.greet("you"), language: Greet::LANGUAGE, plain: PLAIN, lazy: LAZY }
end
