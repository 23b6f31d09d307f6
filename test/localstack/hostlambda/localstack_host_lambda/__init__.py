"""LocalStack Lambda executor that runs Node functions as host processes (no docker)."""
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


def keep_paths_encoded():
    """rawPath of a function URL's event is the path as it was sent; LocalStack gives it decoded."""
    from localstack.http.request import get_raw_path
    from localstack.services.lambda_ import urlrouter

    make_event = urlrouter.event_for_lambda_url

    def event_for_lambda_url(api_id, request):
        return make_event(api_id, request) | {"rawPath": get_raw_path(request)}

    urlrouter.event_for_lambda_url = event_for_lambda_url


class HostRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    name = "host"

    def load(self, *args, **kwargs):
        from .executor import HostRuntimeExecutor

        keep_paths_encoded()
        return HostRuntimeExecutor
