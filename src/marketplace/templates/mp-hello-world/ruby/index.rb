def handler(event, context)
  name = event.dig("body", "name") || "World"
  puts "greeting #{name}"
  {
    statusCode: 200,
    body: {
      message: "#{ENV.fetch("GREETING")}, #{name}!",
      function: context.function_name,
      version: context.function_version
    }
  }
end
