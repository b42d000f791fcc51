"""The functions-framework peer with heavy imports."""

import functions_framework
import numpy
import pandas

table = pandas.DataFrame({"value": numpy.arange(10)})


@functions_framework.http
def hello(request):
    return f"{table['value'].sum()}\n"
