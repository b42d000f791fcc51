require "json"
require_relative "csv_text"
require_relative "problem"
require_relative "xml_text"

FORMATS = %w[json csv xml].freeze
TYPES = { "json" => "application/json", "csv" => "text/csv; charset=utf-8", "xml" => "application/xml" }.freeze

def parse_json(text)
  JSON.parse(text.delete_prefix("\ufeff"))
rescue JSON::NestingError
  raise Problem.too_deep
rescue JSON::ParserError => error
  # The parser tells what is left of the text.
  left = error.message[/at '(.*)'/m, 1]
  offset = left && text.rindex(left) || text.size
  fix = "correct the JSON there: quotes around names and texts, commas between, none at the end"
  raise Problem.at(text, offset, offset < text.size ? "unexpected token" : "unexpected end", fix)
end

def format_of(name, value)
  return value if FORMATS.include?(value)

  raise Problem.new("`#{name}` must be json, csv or xml", "send #{name}=json, #{name}=csv or #{name}=xml")
end

def bounded(what, text)
  most = Integer(ENV.fetch("MAX_BYTES"))
  return if text.bytesize <= most

  fix = "send less at a time, or raise MAX_BYTES"
  raise Problem.new("#{what} has #{text.bytesize} bytes, and #{most} are the most", fix, status: 413)
end

def delimiter_of(options)
  delimiter = options.fetch("delimiter", ENV.fetch("DELIMITER"))
  delimiter = "\t" if delimiter == "tab"
  return delimiter if delimiter.is_a?(String) && delimiter.match?(/\A[^"\r\n]\z/)

  rule = "`delimiter` must be one character, and no quote or line end"
  raise Problem.new(rule, "send for instance delimiter=; or delimiter=tab")
end

def transform(options)
  from, to = format_of("from", options["from"]), format_of("to", options.fetch("to", "json"))
  delimiter = delimiter_of(options)
  header = options.fetch("header", true).to_s
  unless %w[true false].include?(header)
    raise Problem.new("`header` must be true or false", "send header=false where the first line is data")
  end
  data = options.fetch("data", "")
  raise Problem.new("`data` must be text", "send the #{from} as a string") unless data.is_a?(String) || from == "json"

  text = data.is_a?(String) ? data : JSON.generate(data)
  bounded("the input", text)
  value = case from
          when "json" then parse_json(text)
          when "csv" then CsvText.parse(text, delimiter, header == "true")
          else XmlText.parse(text)
          end
  written = case to
            when "json" then JSON.generate(value)
            when "csv" then CsvText.write(value, delimiter, header == "true")
            else XmlText.write(value, options["root"], ENV.fetch("ROOT_NAME"), options.fetch("item", ENV.fetch("ITEM_NAME")))
            end
  bounded("the output", written)
  [written, to]
end

def sent(event)
  data = event["body"] || ""
  data = data.unpack1("m") if event["isBase64Encoded"]
  data = data.dup.force_encoding("UTF-8")
  raise Problem.new("the body is not UTF-8", "send it in UTF-8") unless data.valid_encoding?

  kind = event["headers"]["content-type"].to_s.split(";").first.to_s
  told = FORMATS.find { |name| kind.end_with?(name) }
  { "from" => told }.compact.merge(event["queryStringParameters"] || {}, "data" => data)
end

def handler(event:, context:)
  is_http = event.key?("requestContext")
  raise Problem.new("the body must be an object", "send {from, to, data}") unless is_http || event["body"].is_a?(Hash)

  text, to = transform(is_http ? sent(event) : event["body"])
  return { statusCode: 200, headers: { "content-type" => TYPES[to] }, body: text } if is_http

  { statusCode: 200, body: { data: to == "json" ? JSON.parse(text) : text } }
rescue Problem => error
  known = { error: error.message, line: error.line, column: error.column, fix: error.fix }
  { statusCode: error.status, body: known.compact }
end
