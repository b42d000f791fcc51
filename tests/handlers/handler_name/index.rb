def run(event:, context:) = "not this one"
