import logging

logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s")
logger = logging.getLogger("shop")
logger.setLevel(logging.DEBUG)


def handler(event, context):
    logger.debug("quiet? no")
    logger.info("order %d", 7)
    logging.error("root")
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("caught")
    return None
