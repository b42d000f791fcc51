"""The functions-framework peer with the handler in the file HANDLER."""

import functions_framework

from workload_handler import handler


@functions_framework.http
def workload(request):
    if request.method == "GET":
        return "ready\n"
    answer = handler({"body": request.get_json()}, None)
    return answer["body"], answer["statusCode"], answer.get("headers", {})
