"""What no page of ours may do."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Request, Response, WebError

LOADED_NOTHING = "Failed to load resource: the server responded with a status of"
LEFT_BY_THE_READER = "net::ERR_ABORTED"  # the reader went on before everything was there
REFUSED = (400, 403, 409, 413, 422, 429)
OF_NO_HOST = ("data:", "about:", "blob:")


class Watch:
    """Listens to browsers and notes their troubles; `allowed_statuses` are those that a test wants to see,
    and `allowed_failures` how requests may end that get no answer."""

    def __init__(self) -> None:
        self.troubles: list[str] = []
        self.allowed_statuses: set[int] = set()
        self.allowed_failures: set[str | None] = {LEFT_BY_THE_READER}
        self._asked: dict[Request, str] = {}

    def over(self, context: BrowserContext, url: str) -> None:
        """Watch this browser, whose only host may be that of `url`."""
        context.on("console", self._console)
        context.on("weberror", self._web_error)
        context.on("dialog", self._dialog)
        context.on("response", self._response)
        context.on("requestfailed", self._failed)
        context.on("requestfinished", self._finished)
        context.on("request", lambda request: self._request(request, url))

    @property
    def unanswered(self) -> list[str]:
        """The addresses of requests that have not ended yet: what a page waits for that is never complete."""
        return list(self._asked.values())

    def _note(self, trouble: str) -> None:
        self.troubles.append(trouble)

    def _console(self, message: ConsoleMessage) -> None:
        # Violations of the content security policy come here too. Statuses are _response's.
        if message.text in {f"Failed to load resource: {failure}" for failure in self.allowed_failures}:
            return
        if message.type in ("error", "warning") and not message.text.startswith(LOADED_NOTHING):
            self._note(f"console: {message.text} ({message.location.get('url')})")

    def _web_error(self, error: WebError) -> None:
        self._note(f"uncaught: {error.error}")

    def _dialog(self, dialog: Dialog) -> None:
        self._note(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _response(self, response: Response) -> None:
        if response.status in self.allowed_statuses:
            return
        if response.status >= 500:
            self._note(f"{response.status} for {response.url}")
        if response.status in REFUSED and response.request.method == "POST":
            return  # a form that was sent in place; what is refused is shown
        if response.status >= 400 and response.request.resource_type != "document":
            self._note(f"{response.status} for the {response.request.resource_type} {response.url}")

    def _finished(self, request: Request) -> None:
        self._asked.pop(request, None)

    def _failed(self, request: Request) -> None:
        self._asked.pop(request, None)
        if request.failure not in self.allowed_failures:
            self._note(f"failed: {request.url} ({request.failure})")

    def _request(self, request: Request, url: str) -> None:
        self._asked[request] = request.url
        if not request.url.startswith((f"{url}/", *OF_NO_HOST)):
            self._note(f"asked another host: {request.url}")
