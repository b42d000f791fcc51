require_relative "../math"

module Greet
  LANGUAGE = "en"

  def self.greet(name) = "hello #{name} #{Numbers.twice(1)}"
end
