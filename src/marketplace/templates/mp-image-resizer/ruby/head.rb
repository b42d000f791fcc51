# What an image is and how many pixels it has, told by its first bytes: kind, width, height; and of a JPEG how it is to be
# turned, 1 to 8 as EXIF has it.
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
    offset, orientation = 2, 1
    while bytes.getbyte(offset) == 0xff
      marker = bytes.getbyte(offset + 1)
      case marker
      when 0xff then offset += 1
      when 0x01, 0xd0..0xd8 then offset += 2
      when nil, 0xd9, 0xda then return
      when 0xc4, 0xc8, 0xcc then offset += 2 + length(bytes, offset)
      when 0xc0..0xcf then return offset + 9 > bytes.bytesize ? nil : ["jpeg", *bytes.unpack("@#{offset + 5}nn").reverse, orientation]
      else
        orientation = exif(bytes.byteslice(offset + 4, length(bytes, offset) - 2).to_s) || orientation if marker == 0xe1
        offset += 2 + length(bytes, offset)
      end
    end
  end

  # The tag 0x112 in the first directory, if these are EXIF data and all of that is within them.
  def exif(data)
    return unless data.start_with?("Exif\0\0")

    tiff = data.byteslice(6..)
    short, long = tiff.start_with?("II") ? %w[v V] : %w[n N]
    directory = tiff.byteslice(4, 4).to_s.unpack1(long) or return
    count = tiff.byteslice(directory, 2).to_s.unpack1(short) or return
    entries = tiff.byteslice(directory + 2, count * 12).to_s.scan(/.{12}/mn)
    value = entries.find { |entry| entry.unpack1(short) == 0x112 }&.byteslice(8, 2)&.unpack1(short)
    value if value&.between?(1, 8)
  end

  # A piece without a length leads behind the end.
  def length(bytes, offset) = bytes.byteslice(offset + 2, 2)&.unpack1("n") || bytes.bytesize
end
