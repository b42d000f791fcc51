require "net/smtp"
require "openssl"
require "securerandom"
require "time"

ADDRESS = %r{\A[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\z}
NAMED = /\A([^<>]*)<([^<>]*)>\z/
CONTROL = /[\u0000-\u001f\u007f\u0085\u2028\u2029]/
TIMEOUT_MS = Integer(ENV.fetch("TIMEOUT_MS"))

class Refusal < StandardError
  attr_reader :answer

  def initialize(status, code, message, **more)
    super(message)
    @answer = { statusCode: status, body: { error: message, code: code, **more } }
  end
end

Person = Struct.new(:name, :address) do
  def to_s = name.empty? ? address : "#{word(name)} <#{address}>"

  def word(name) = name.ascii_only? ? "\"#{name.gsub(/["\\]/) { "\\#{_1}" }}\"" : encoded(name)
end

# Text of any script in a header: words of at most 75 characters.
def encoded(text)
  return text if text.ascii_only? && text.length < 900

  pieces = [+""]
  text.each_char do |char|
    pieces << +"" if pieces.last.bytesize + char.bytesize > 42
    pieces.last << char
  end
  pieces.map { |piece| "=?UTF-8?B?#{[piece].pack("m0")}?=" }.join("\r\n ")
end

def wrong(field, rule) = Refusal.new(400, "bad_request", "`#{field}` #{rule}", field: field)

def line(field, value)
  return value if value.is_a?(String) && !value.match?(CONTROL)

  raise wrong(field, "must be text without line ends and other control characters")
end

def person(field, value)
  value = line(field, value).strip
  _, name, address = *value.match(NAMED) || [nil, "", value]
  unless address.strip.match?(ADDRESS)
    raise wrong(field, "must be an address such as ada@example.com or Ada <ada@example.com>, in ASCII")
  end
  Person.new(name.strip.gsub(/\A"|"\z/, ""), address.strip)
end

def people(field, value)
  domains = ENV.fetch("ALLOWED_DOMAINS", "").downcase.split(",").map(&:strip).reject(&:empty?)
  found = (value.is_a?(Array) ? value : [value].compact).map { |one| person(field, one) }
  found.each do |one|
    next if domains.empty? || domains.include?(one.address.split("@").last.downcase)

    raise wrong(field, "may have addresses at #{domains.join(", ")} only")
  end
end

def part(kind, text)
  ["Content-Type: text/#{kind}; charset=utf-8", "Content-Transfer-Encoding: base64", "",
   [text].pack("m").gsub("\n", "\r\n")].join("\r\n")
end

def content(mail)
  parts = { "plain" => mail["text"], "html" => mail["html"] }.reject { |_, text| text.nil? || text == "" }
  raise wrong("text", "or `html` must be there, as text") if parts.empty? || !parts.values.all?(String)

  parts = parts.map { |kind, text| part(kind, text) }
  return parts.first if parts.size == 1

  boundary = SecureRandom.hex(16)
  ["Content-Type: multipart/alternative; boundary=\"#{boundary}\"", "",
   *parts.flat_map { |one| ["--#{boundary}", one] }, "--#{boundary}--", ""].join("\r\n")
end

# The message, its id, its sender, and everyone who is to get it.
def compose(mail)
  sender = person("MAIL_FROM", ENV.fetch("MAIL_FROM"))
  to, cc, bcc = %w[to cc bcc].map { |field| people(field, mail[field]) }
  everyone = (to + cc + bcc).map(&:address).uniq
  raise wrong("to", "must name at least one recipient") if everyone.empty?

  most = Integer(ENV.fetch("MAX_RECIPIENTS"))
  raise wrong("to", "has more than #{most} recipients, with cc and bcc") if everyone.size > most

  id = "<#{SecureRandom.uuid}@#{sender.address.split("@").last}>"
  headers = { "From" => sender, "To" => to.join(",\r\n "), "Cc" => cc.join(",\r\n ") }
  headers["Reply-To"] = person("replyTo", mail["replyTo"]) unless mail["replyTo"].nil?
  headers["Subject"] = encoded(line("subject", mail.fetch("subject", "")))
  headers.merge!("Date" => Time.now.rfc2822, "Message-ID" => id, "MIME-Version" => "1.0")
  head = headers.reject { |_, value| value == "" }.map { |name, value| "#{name}: #{value}\r\n" }.join
  [head + content(mail), id, sender.address, everyone]
end

def connection
  tls = OpenSSL::SSL::SSLContext.new
  tls.set_params
  unless ENV["SMTP_CA"].to_s.empty?
    tls.cert_store = OpenSSL::X509::Store.new
    ENV["SMTP_CA"].scan(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/m) do |pem|
      tls.cert_store.add_cert(OpenSSL::X509::Certificate.new(pem))
    end
  end
  server = Net::SMTP.new(ENV.fetch("SMTP_HOST"), Integer(ENV.fetch("SMTP_PORT")))
  server.open_timeout = server.read_timeout = TIMEOUT_MS / 1000.0
  case ENV.fetch("SMTP_SECURITY")
  when "tls" then server.enable_tls(tls)
  when "starttls" then server.enable_starttls(tls)
  else server.disable_starttls
  end
  server
end

def credentials
  user = ENV["SMTP_USER"].to_s
  return [] if user.empty?
  if ENV["SMTP_SECURITY"] == "none"
    raise Refusal.new(500, "smtp_auth", "A password is sent over encrypted connections only: set SMTP_SECURITY")
  end
  [user, ENV.fetch("SMTP_PASSWORD", ""), :plain]
end

def deliver(message, sender, everyone)
  domain = sender.split("@").last
  connection.start(domain, *credentials) do |server|
    server.mailfrom(sender)
    rejected = everyone.filter_map do |one|
      server.rcptto(one)
      nil
    rescue Net::SMTPFatalError, Net::SMTPServerBusy, Net::SMTPSyntaxError, Net::SMTPAuthenticationError => error
      { address: one, reason: error.message.strip }
    end
    if rejected.size == everyone.size
      server.rset
      raise Refusal.new(422, "all_rejected", "The server refuses every recipient", rejected: rejected)
    end
    server.data(message)
    [everyone - rejected.map { |one| one[:address] }, rejected]
  end
end

def failed(status, code, text)
  puts text
  { statusCode: status, body: { error: text, code: code } }
end

def handler(event:, context:)
  mail = event["body"]
  raise Refusal.new(400, "bad_request", "The body must be an object: {to, subject, text}") unless mail.is_a?(Hash)

  message, id, sender, everyone = compose(mail)
  accepted, rejected = deliver(message, sender, everyone)
  puts "sent #{id} to #{accepted.size} of #{everyone.size}"
  { statusCode: 200, body: { messageId: id, accepted: accepted, rejected: rejected } }
rescue Refusal => refusal
  refusal.answer
rescue Net::SMTPAuthenticationError => error
  failed(502, "smtp_auth", "The server does not take user and password: #{error.message.strip}")
rescue Net::OpenTimeout, Net::ReadTimeout
  failed(504, "smtp_timeout", "The server did not answer within #{TIMEOUT_MS} ms")
rescue Net::ProtocolError => error
  failed(502, "smtp_refused", "The server refuses: #{error.message.strip}")
rescue SystemCallError, IOError, SocketError, OpenSSL::SSL::SSLError => error
  failed(502, "smtp_unreachable", "The server cannot be reached: #{error.message}")
end
