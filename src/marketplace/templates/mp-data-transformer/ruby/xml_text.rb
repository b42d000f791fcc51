require "strscan"
require_relative "problem"

# XML: elements, attributes, text. No DOCTYPE, so no entities of a document's own.
module XmlText
  NAME = /[\p{L}_:][\p{L}\p{N}\p{M}_:.\-·]*/
  FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/
  ENTITIES = { "amp" => "&", "lt" => "<", "gt" => ">", "quot" => '"', "apos" => "'" }.freeze
  ESCAPES = { "&" => "&amp;", "<" => "&lt;", ">" => "&gt;", '"' => "&quot;", "\t" => "&#9;", "\n" => "&#10;",
              "\r" => "&#13;" }.freeze

  Element = Struct.new(:name, :start, :value, :text) do
    def add(name, one) = (value[name] ||= []) << one

    def finished
      return text if value.empty?

      all = value.transform_values { |values| values.size == 1 ? values.first : values }
      text.strip.empty? ? all : all.merge("#text" => text.strip)
    end
  end

  # Reads one document.
  class Reader
    def initialize(text)
      @text = text.delete_prefix("\ufeff")
      @scanner = StringScanner.new(@text)
      @open = []
    end

    def document
      control = FORBIDDEN.match(@text)
      fail_at("a character is not allowed in XML", "remove it", control.begin(0)) if control
      step until @scanner.eos?
      left = @open.last
      fail_at("<#{left.name}> has no end", "close it with </#{left.name}>", left.start) if left
      fail_at("there is no element", "send an XML document") unless @root
      { @root.name => @root.finished }
    end

    private

    def fail_at(message, fix, offset = @scanner.charpos) = raise(Problem.at(@text, offset, message, fix))

    def step
      if !@scanner.check(/</) then characters
      elsif @scanner.check(/<!--/) then skip("<!--", "-->")
      elsif @scanner.check(/<\?/) then skip("<?", "?>")
      elsif @scanner.check(/<!DOCTYPE/)
        fail_at("a DOCTYPE is not taken", "remove it, and write entities out: they could read files or fill the memory")
      elsif @open.any? && @scanner.check(/<!\[CDATA\[/) then @open.last.text << skip("<![CDATA[", "]]>")
      elsif @scanner.check(%r{</}) then end_tag
      else start_tag
      end
    end

    def skip(begins, ends)
      @scanner.pos += begins.bytesize
      found = @scanner.scan_until(/#{Regexp.escape(ends)}/)
      fail_at("#{begins} has no end", "close it with #{ends}") unless found
      found.delete_suffix(ends)
    end

    def characters
      start = @scanner.charpos
      piece = @scanner.scan(/[^<]+/m)
      if @open.any?
        @open.last.text << decode(piece, start)
      elsif !piece.strip.empty?
        fail_at("there is text outside of the root element", "put everything into one element", start + piece.index(/\S/))
      end
    end

    def end_tag
      start = @scanner.charpos
      @scanner.pos += 2
      name = @scanner.scan(NAME).to_s
      @scanner.skip(/\s*/)
      fail_at("</#{name} is not closed", "close it with >") unless @scanner.skip(/>/)
      element = @open.pop
      fail_at("</#{name}> closes nothing", "remove it", start) unless element
      if element.name != name
        fail_at("</#{name}> closes <#{element.name}>", "write </#{element.name}> before it", start)
      end
      @open.last&.add(name, element.finished)
    end

    def start_tag
      start = @scanner.charpos
      @scanner.pos += 1
      name = @scanner.scan(NAME)
      fail_at("< begins no element", "write &lt; for a plain <", start) unless name
      fail_at("<#{name}> is a second root element", "put everything into one element", start) if @open.empty? && @root
      element = Element.new(name, start, {}, +"")
      attributes(element)
      @root ||= element
      if @scanner.skip(%r{/>})
        @open.last&.add(name, element.finished)
      else
        @scanner.skip(/>/)
        @open << element
        raise Problem.too_deep if @open.size > Problem::DEPTH_MAX
      end
    end

    def attributes(element)
      loop do
        gap = @scanner.skip(/\s*/)
        return if @scanner.check(%r{/?>})

        key = @scanner.scan(NAME)
        if key.nil? || gap.zero?
          fail_at("<#{element.name}> is not closed", 'close it with >, and write attributes as name="value"')
        end
        unless @scanner.skip(/\s*=\s*(?=["'])/)
          fail_at("the attribute #{key} has no quoted value", "write #{key}=\"value\"")
        end
        start = @scanner.charpos
        quote = @scanner.peek(1)
        value = skip(quote, quote)
        fail_at("< is in the attribute #{key}", "write &lt;", start) if value.include?("<")
        fail_at("the attribute #{key} is there twice", "remove one", start) if element.value.key?("@#{key}")
        element.value["@#{key}"] = [decode(value, start + 1)]
      end
    end

    def decode(piece, offset)
      piece.gsub(/\r\n?/, "\n").gsub(/&[^;&<\s]{0,12};?/) do |whole|
        known = entity(whole)
        if known.nil? || known.match?(FORBIDDEN)
          fail_at("#{whole} is no entity", "write &amp; for a plain &", offset + piece.index(whole))
        end
        known
      end
    end

    def entity(whole)
      number = whole.match(/\A&#(?:x(\h{1,6})|(\d{1,7}));\z/)
      return whole.end_with?(";") ? ENTITIES[whole[1..-2]] : nil unless number

      code = number[1] ? number[1].hex : number[2].to_i
      code <= 0x10ffff && !code.between?(0xd800, 0xdfff) ? [code].pack("U") : nil
    end
  end

  module_function

  def parse(text) = Reader.new(text).document

  def write(value, root, root_name, item)
    name = root || root_name
    if root.nil? && value.is_a?(Hash) && value.size == 1
      key, only = value.first
      name, value = key, only unless only.is_a?(Array) || key.start_with?("@", "#")
    end
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n#{element(name, value, item, 1)}\n"
  end

  def element(name, value, item, depth)
    raise Problem.too_deep if depth > Problem::DEPTH_MAX
    unless name.match?(/\A#{NAME}\z/)
      fix = "rename it: letters, digits, _, - and ., with a letter or _ first"
      raise Problem.new("\"#{name}\" cannot be the name of an element", fix)
    end

    value = { item => value } if value.is_a?(Array)
    return "<#{name}/>" if value.nil? || value == ""
    return "<#{name}>#{escape(name, value)}</#{name}>" unless value.is_a?(Hash)

    attributes, inner = +"", +""
    value.each do |key, one|
      if key == "#text" then inner << escape(name, one)
      elsif key.start_with?("@")
        raise Problem.new("\"#{key}\" cannot be the name of an attribute", "rename it") unless key[1..].match?(/\A#{NAME}\z/)

        attributes << " #{key[1..]}=\"#{escape(key, one)}\""
      else
        (one.is_a?(Array) ? one : [one]).each { |each| inner << element(key, each, item, depth + 1) }
      end
    end
    inner.empty? ? "<#{name}#{attributes}/>" : "<#{name}#{attributes}>#{inner}</#{name}>"
  end

  def escape(name, value)
    if value.is_a?(Hash) || value.is_a?(Array)
      raise Problem.new("\"#{name}\" is no text", "attributes and #text are text, numbers or truth values")
    end
    text = value.to_s
    if text.match?(FORBIDDEN)
      raise Problem.new("\"#{name}\" has a character that XML cannot hold", "remove it, or encode the value in base64")
    end
    text.gsub(name.start_with?("@") ? /[&<>"\t\n\r]/ : /[&<>\r]/, ESCAPES)
  end
end
