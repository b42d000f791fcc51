# Renders a page with a table: ERB and its escaping.
require "erb"

PAGE = ERB.new(<<~HTML, trim_mode: "-")
  <!doctype html>
  <html><head><title><%= ERB::Util.h(title) %></title></head>
  <body><h1><%= ERB::Util.h(title) %></h1>
  <table>
  <%- rows.each do |index, name, amount| -%>
  <tr><td><%= index %></td><td><%= ERB::Util.h(name) %></td><td><%= amount %></td></tr>
  <%- end -%>
  </table></body></html>
HTML

def table(count, state)
  Array.new(count) do |index|
    state = (state * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
    cents = (state >> 8) % 100_000
    state = (state * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
    [index, "item <#{(state >> 8) % 1000}> & \"#{index}\"", format("%d.%02d", cents / 100, cents % 100)]
  end
end

def handler(event, context)
  title, count, seed = event["body"].values_at("title", "rows", "seed")
  body = PAGE.result_with_hash(title: title, rows: table(count, seed))
  { statusCode: 200, headers: { "content-type" => "text/html; charset=utf-8" }, body: body }
end
