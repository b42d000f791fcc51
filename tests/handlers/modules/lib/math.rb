module Numbers
  def self.twice(value) = value * 2
end
