class Callable:
    def __call__(self, event, context=None, *, extra="default"):
        return [event["body"], context.function_version, extra]


handler = Callable()
