require_relative "gd"
require_relative "head"

KINDS = %w[png jpeg webp].freeze
FITS = %w[contain cover fill].freeze
SIZE_MAX = Integer(ENV.fetch("MAX_SIZE"))
PIXELS_MAX = Integer(ENV.fetch("MAX_PIXELS"))

class Refusal < StandardError
  attr_reader :status, :code

  def initialize(status, code, message)
    super(message)
    @status, @code = status, code
  end
end

def number(options, name, most)
  value = options[name]
  return if value.nil?
  return value.to_i if value.to_s.match?(/\A\d{1,9}\z/) && value.to_i.between?(1, most)

  raise Refusal.new(400, "bad_option", "`#{name}` must be a whole number from 1 to #{most}")
end

def choice(options, name, choices, default)
  value = options[name] || default
  return value if choices.include?(value)

  raise Refusal.new(400, "bad_option", "`#{name}` must be one of #{choices.join(", ")}")
end

def scaled(side, by) = [1, (side * by).round].max

# The size that the image gets, and the part of it that is taken.
def plan(from_width, from_height, fit, width, height)
  width ||= scaled(from_width, height.fdiv(from_height))
  height ||= scaled(from_height, width.fdiv(from_width))
  if [width, height].max > SIZE_MAX
    raise Refusal.new(400, "bad_option", "The image would be #{width} x #{height}; #{SIZE_MAX} is the most")
  end

  scales = [width.fdiv(from_width), height.fdiv(from_height)]
  part_width, part_height = from_width, from_height
  case fit
  when "contain"
    width, height = scaled(from_width, scales.min), scaled(from_height, scales.min)
  when "cover"
    part_width = [from_width, scaled(width, 1 / scales.max)].min
    part_height = [from_height, scaled(height, 1 / scales.max)].min
  end
  [width, height, (from_width - part_width) / 2, (from_height - part_height) / 2, part_width, part_height]
end

def head(bytes)
  kind, width, height, orientation = Head.of(bytes)
  raise Refusal.new(415, "unknown_format", "The image is neither PNG, JPEG nor WebP, or its head is damaged") unless kind
  if width * height > PIXELS_MAX
    raise Refusal.new(413, "too_many_pixels", "The image has #{width} x #{height} pixels; #{PIXELS_MAX} are the most")
  end
  raise damaged if width.zero? || height.zero?

  [kind, width, height, orientation || 1]
end

def damaged = Refusal.new(422, "damaged", "The image is damaged: it cannot be decoded")

def made(bytes, options)
  width, height = number(options, "width", SIZE_MAX), number(options, "height", SIZE_MAX)
  raise Refusal.new(400, "bad_option", "`width` or `height` must be given") unless width || height

  fit = choice(options, "fit", FITS, "contain")
  asked = choice(options, "format", ["same", *KINDS], ENV.fetch("FORMAT"))
  quality = number(options, "quality", 100) || Integer(ENV.fetch("QUALITY"))
  kind, *size, orientation = head(bytes)
  lies = orientation > 4
  sizes = plan(*(lies ? size.reverse : size), fit, width, height)
  image = GD.decode(kind, bytes) or raise damaged
  # Made small first: turning costs as much as there are pixels.
  small = image.resized(*(lies ? sizes.each_slice(2).flat_map(&:reverse) : sizes)).turned(orientation)
  image.free
  kind = asked unless asked == "same"
  if kind == "jpeg"
    opaque = small.on_white(*sizes[0, 2])
    small.free
    small = opaque
  end
  out = small.encode(kind, quality)
  small.free
  [out, kind, *sizes[0, 2]]
end

def read(event)
  if event.key?("requestContext")
    body = event["body"] || ""
    return [event["isBase64Encoded"] ? body.unpack1("m") : body.b, event["queryStringParameters"] || {}]
  end
  options = event["body"]
  unless options.is_a?(Hash) && options["image"].is_a?(String)
    raise Refusal.new(400, "bad_request", "The body must be an object: {image: base64, width, height}")
  end
  [options["image"].unpack1("m0"), options]
rescue ArgumentError
  raise Refusal.new(400, "bad_request", "`image` must be base64")
end

def handler(event:, context:)
  out, kind, width, height = made(*read(event))
  image = [out].pack("m0")
  unless event.key?("requestContext")
    return { statusCode: 200, body: { image: image, type: "image/#{kind}", width: width, height: height } }
  end

  { statusCode: 200, headers: { "content-type" => "image/#{kind}" }, body: image, isBase64Encoded: true }
rescue Refusal => refusal
  { statusCode: refusal.status, body: { error: refusal.message, code: refusal.code } }
end
