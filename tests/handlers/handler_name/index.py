def run(event, context):
    return "not this one"
