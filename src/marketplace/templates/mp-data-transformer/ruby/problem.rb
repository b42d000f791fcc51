# What is wrong with an input, where, and how it is put right.
class Problem < StandardError
  DEPTH_MAX = 100

  attr_reader :fix, :line, :column, :status

  def initialize(message, fix, line: nil, column: nil, status: 400)
    super(line ? "line #{line}, column #{column}: #{message}" : message)
    @fix, @line, @column, @status = fix, line, column, status
  end

  # At an offset in characters.
  def self.at(text, offset, message, fix)
    before = text[0, offset]
    new(message, fix, line: before.count("\n") + 1, column: offset - (before.rindex("\n") || -1))
  end

  def self.too_deep = new("the data is nested more than #{DEPTH_MAX} deep", "flatten it")
end
