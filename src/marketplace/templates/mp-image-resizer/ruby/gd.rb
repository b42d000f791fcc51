require "fiddle"

# Images by libgd, which the machine has.
class GD
  begin
    LIBRARY = Fiddle.dlopen("libgd.so.3")
  rescue Fiddle::DLError
    raise LoadError, "libgd is missing on this machine: apt install libgd3"
  end

  INT, POINTER, VOID = Fiddle::TYPE_INT, Fiddle::TYPE_VOIDP, Fiddle::TYPE_VOID
  FUNCTIONS = {
    "gdImageCreateFromPngPtr" => [[INT, POINTER], POINTER],
    "gdImageCreateFromJpegPtr" => [[INT, POINTER], POINTER],
    "gdImageCreateFromWebpPtr" => [[INT, POINTER], POINTER],
    "gdImageCreateTrueColor" => [[INT, INT], POINTER],
    "gdImagePaletteToTrueColor" => [[POINTER], INT],
    "gdImageAlphaBlending" => [[POINTER, INT], VOID],
    "gdImageSaveAlpha" => [[POINTER, INT], VOID],
    "gdImageFilledRectangle" => [[POINTER, INT, INT, INT, INT, INT], VOID],
    "gdImageCopy" => [[POINTER, POINTER, INT, INT, INT, INT, INT, INT], VOID],
    "gdImageCopyResampled" => [[POINTER, POINTER, INT, INT, INT, INT, INT, INT, INT, INT], VOID],
    "gdImageFlipHorizontal" => [[POINTER], VOID],
    "gdImageFlipVertical" => [[POINTER], VOID],
    "gdImageRotateInterpolated" => [[POINTER, Fiddle::TYPE_FLOAT, INT], POINTER],
    "gdImagePngPtr" => [[POINTER, POINTER], POINTER],
    "gdImageJpegPtr" => [[POINTER, POINTER, INT], POINTER],
    "gdImageWebpPtrEx" => [[POINTER, POINTER, INT], POINTER],
    "gdImageDestroy" => [[POINTER], VOID],
    "gdFree" => [[POINTER], VOID]
  }.to_h { |name, (takes, gives)| [name, Fiddle::Function.new(LIBRARY[name], takes, gives)] }.freeze
  WHITE = 0xffffff
  # To the left, in degrees, after which some are mirrored: by what EXIF says, from 1 to 8.
  ANGLES = [0, 0, 180, 180, 270, 270, 90, 90].freeze
  MIRRORED = [2, 4, 5, 7].freeze

  def self.call(name, *arguments) = FUNCTIONS.fetch(name).call(*arguments)

  # An image of these bytes; nil if they are damaged.
  def self.decode(kind, bytes)
    image = call("gdImageCreateFrom#{kind.capitalize}Ptr", bytes.bytesize, bytes)
    return if image.null?

    call("gdImagePaletteToTrueColor", image)
    new(image)
  end

  def self.blank(width, height)
    image = new(call("gdImageCreateTrueColor", width, height))
    image.call("gdImageAlphaBlending", 0)
    image.call("gdImageSaveAlpha", 1)
    image
  end

  attr_reader :pointer

  def initialize(pointer)
    @pointer = pointer
  end

  def call(name, *arguments) = GD.call(name, pointer, *arguments)

  # A part of it, in another size.
  def resized(width, height, left, top, part_width, part_height)
    GD.blank(width, height).tap do |out|
      out.call("gdImageCopyResampled", pointer, 0, 0, left, top, width, height, part_width, part_height)
    end
  end

  # As EXIF says.
  def turned(orientation)
    angle = ANGLES[orientation - 1]
    out = angle.zero? ? self : GD.new(call("gdImageRotateInterpolated", angle.to_f, 0))
    free unless out.equal?(self)
    out.call("gdImageFlipHorizontal") if MIRRORED.include?(orientation)
    out.call("gdImageSaveAlpha", 1)
    out
  end

  def on_white(width, height)
    GD.blank(width, height).tap do |out|
      out.call("gdImageFilledRectangle", 0, 0, width, height, WHITE)
      out.call("gdImageAlphaBlending", 1)
      out.call("gdImageCopy", pointer, 0, 0, 0, 0, width, height)
    end
  end

  def encode(kind, quality)
    length = Fiddle::Pointer.malloc(Fiddle::SIZEOF_INT, Fiddle::RUBY_FREE)
    bytes = case kind
            when "png" then call("gdImagePngPtr", length)
            when "jpeg" then call("gdImageJpegPtr", length, quality)
            else call("gdImageWebpPtrEx", length, quality)
            end
    raise "libgd could not write #{kind}" if bytes.null?

    bytes[0, length[0, Fiddle::SIZEOF_INT].unpack1("i")].tap { GD.call("gdFree", bytes) }
  end

  def free = call("gdImageDestroy")
end
