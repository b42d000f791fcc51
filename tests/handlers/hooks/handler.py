import snapshot_restore_py
import zygo

EVENTS = []
zygo.before_snapshot(lambda: EVENTS.append("before 1"))


@zygo.before_snapshot
def before():
    EVENTS.append("before 2")


@zygo.after_restore
def after():
    EVENTS.append("after 1")


snapshot_restore_py.register_after_restore(EVENTS.append, "after 2")
EVENTS.append("loaded")


def handler(event, context):
    return EVENTS
