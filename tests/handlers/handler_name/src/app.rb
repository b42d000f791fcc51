def run(event:, context:) = "run"
