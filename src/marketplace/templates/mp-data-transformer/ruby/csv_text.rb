require "json"
require "strscan"
require_relative "problem"

# CSV as in RFC 4180.
module CsvText
  module_function

  def parse(text, delimiter, has_header)
    rows = records(text.delete_prefix("\ufeff"), delimiter)
    return rows.map(&:first) unless has_header

    names = rows.empty? ? [] : rows.shift.first
    twice = names.find { |name| names.count(name) > 1 }
    if twice
      fix = "give each column a name of its own, or send header=false"
      raise Problem.new("two columns are named \"#{twice}\"", fix, line: 1, column: 1)
    end
    rows.map do |fields, line|
      if fields.size != names.size
        fix = "put fields that contain the delimiter into quotes, or correct the delimiter"
        raise Problem.new("the row has #{fields.size} fields, the header #{names.size}", fix, line: line, column: 1)
      end
      names.zip(fields).to_h
    end
  end

  def records(text, delimiter)
    scanner, rows, line = StringScanner.new(text), [], 1
    plain = /(?:(?!#{Regexp.escape(delimiter)}|\r?\n|").)*/m
    separator = /#{Regexp.escape(delimiter)}/
    until scanner.eos?
      fields, first = [], line
      loop do
        field = scanner.check(/"/) ? quoted(text, scanner) : scanner.scan(plain)
        line += field.count("\n")
        fields << field
        break unless scanner.skip(separator)
      end
      unless scanner.skip(/\r?\n/) || scanner.eos?
        raise misplaced(text, scanner)
      end
      line += 1
      rows << [fields, first]
    end
    rows
  end

  def misplaced(text, scanner)
    if scanner.check(/"/)
      return Problem.at(text, scanner.charpos, "a quote is in a field without quotes",
                        'put the field into quotes and double those inside: ""')
    end
    Problem.at(text, scanner.charpos, "there is text behind a closing quote", 'double quotes inside a field: ""')
  end

  def quoted(text, scanner)
    start = scanner.charpos
    found = scanner.scan(/"(?:[^"]|"")*"/m)
    raise Problem.at(text, start, "a quoted field has no end", "close it with a quote") unless found

    found[1..-2].gsub('""', '"')
  end

  def write(value, delimiter, has_header)
    rows = rows_of(value)
    names = rows.grep(Hash).flat_map(&:keys).uniq
    lines = names.any? && has_header ? [names.map { |name| cell(name, delimiter, "") }.join(delimiter)] : []
    rows.each_with_index do |row, index|
      unless (row.is_a?(Hash) && names.any?) || (row.is_a?(Array) && names.empty?)
        raise Problem.new("row #{index + 1} is not like the others", "make all rows objects, or all of them lists")
      end

      pairs = row.is_a?(Array) ? row.each.with_index(1).map { |one, column| [column, one] } : names.map { |name| [name, row[name]] }
      cells = pairs.map { |name, one| cell(one, delimiter, "row #{index + 1}, field #{name}") }
      # An empty line would be no row.
      lines << (cells == [""] ? '""' : cells.join(delimiter))
    end
    lines.map { |line| "#{line}\r\n" }.join
  end

  def rows_of(value)
    return value if value.is_a?(Array)

    unless value.is_a?(Hash)
      raise Problem.new("CSV has rows, and the data is a single value", "send a list of objects, or of lists")
    end
    inner = value.values.first
    value.size == 1 && (inner.is_a?(Hash) || inner.is_a?(Array)) ? rows_of(inner) : [value]
  end

  def cell(value, delimiter, where)
    if value.is_a?(Hash) || value.is_a?(Array)
      kind = value.is_a?(Array) ? "a list" : "an object"
      raise Problem.new("#{where} is #{kind}", "CSV holds text, numbers and truth values: flatten it")
    end
    text = value.to_s
    text.include?(delimiter) || text.match?(/["\r\n]/) ? "\"#{text.gsub('"', '""')}\"" : text
  end
end
