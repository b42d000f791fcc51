"""Loads the handler in the file HANDLER."""

import importlib.util
import os
import sys

# Nothing is left beside the handler's file.
sys.dont_write_bytecode = True
found = importlib.util.spec_from_file_location("workload", os.environ["HANDLER"])
module = importlib.util.module_from_spec(found)
found.loader.exec_module(module)
handler = module.handler
