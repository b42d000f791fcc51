# What an image is and how many pixels it has, told by its first bytes: kind, width, height.
module Head
  module_function

  def of(bytes)
    if bytes.start_with?("\x89PNG\r\n\x1a\n".b) && bytes[12, 4] == "IHDR" then ["png", *bytes.unpack("@16NN")]
    elsif bytes.start_with?("\xff\xd8".b) then jpeg(bytes)
    elsif bytes.start_with?("RIFF") && bytes[8, 4] == "WEBP" then webp(bytes)
    end&.then { |head| head.include?(nil) ? nil : head }
  end

  def webp(bytes)
    return if bytes.bytesize < 30

    case bytes[12, 4]
    when "VP8X" then ["webp", *[24, 27].map { |at| 1 + (bytes[at, 3] + "\0").unpack1("V") }]
    when "VP8 " then ["webp", *bytes.unpack("@26vv").map { |side| side & 0x3fff }]
    when "VP8L"
      bits = bytes.unpack1("@21V")
      ["webp", 1 + (bits & 0x3fff), 1 + ((bits >> 14) & 0x3fff)]
    end
  end

  def jpeg(bytes)
    offset = 2
    while bytes.getbyte(offset) == 0xff
      marker = bytes.getbyte(offset + 1)
      case marker
      when 0xff then offset += 1
      when 0x01, 0xd0..0xd8 then offset += 2
      when nil, 0xd9, 0xda then return
      when 0xc4, 0xc8, 0xcc then offset += 2 + length(bytes, offset)
      when 0xc0..0xcf then return offset + 9 > bytes.bytesize ? nil : ["jpeg", *bytes.unpack("@#{offset + 5}nn").reverse]
      else offset += 2 + length(bytes, offset)
      end
    end
  end

  # A piece without a length leads behind the end.
  def length(bytes, offset) = bytes.byteslice(offset + 2, 2)&.unpack1("n") || bytes.bytesize
end
