# Compresses a text with gzip and looks whether it comes out again: the interpreter's zlib.
require "digest"
require "json"
require "zlib"

GZIP = 31

def handler(event, context)
  text, copies = event["body"].values_at("text", "copies")
  plain = text * copies
  compressed = Zlib::Deflate.new(6, GZIP).deflate(plain, Zlib::FINISH)
  again = Zlib::Inflate.new(GZIP).inflate(compressed)
  answer = { plain: plain.bytesize, compressed: compressed.bytesize, sha256: Digest::SHA256.hexdigest(again) }
  { statusCode: 200, body: JSON.generate(answer) }
end
