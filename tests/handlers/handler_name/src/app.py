def run(event, context):
    return "run"
