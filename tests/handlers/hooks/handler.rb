EVENTS = []
Zygo.before_snapshot { EVENTS << "before 1" }
Zygo.before_snapshot { EVENTS << "before 2" }
Zygo.after_restore { EVENTS << "after 1" }
Zygo.after_restore { EVENTS << "after 2" }
EVENTS << "loaded"

def handler(event:, context:) = EVENTS
