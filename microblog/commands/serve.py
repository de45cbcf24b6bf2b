"""`microblog serve`: the site, from one command."""

from __future__ import annotations

import errno
import os
import signal
import socket
from types import FrameType
from typing import Any, NoReturn

import click
from waitress import wasyncore
from waitress.server import create_server

from microblog.alerts.interfaces import get_alerts
from microblog.background.settings import WORKER
from microblog.commands import connections
from microblog.console.site import DEFAULT_LISTEN, SERVER_SECTION, Site, pass_site
from microblog.errors import OperatorError
from microblog.profiling.settings import PROFILER
from microblog.request import MAX_BODY

WAITRESS = "egg:waitress#main"
# The application itself answers a body that is too large, with a page; waitress cuts off what is beyond.
MARGIN_BYTES = 1_000_000
EVERYWHERE = ("0.0.0.0", "::", "127.0.0.1", "::1")  # noqa: S104  # read, not bound


@click.command()
@click.option("--upgrade", is_flag=True, help="Make or upgrade the database first.")
@click.option("--listen", metavar="HOST:PORT", help="Listen here instead of where the ini file says.")
@click.option("--profile", is_flag=True, help="Profile each request of this run.")
@pass_site
def serve(site: Site, *, upgrade: bool, listen: str | None, profile: bool) -> None:
    """Serve the site until Ctrl-C or SIGTERM."""
    if profile:
        os.environ[PROFILER.variable] = "true"  # stronger than the ini file
    application = site.application()
    if upgrade:
        click.echo(site.upgrade())
    for problem in site.problems():
        click.echo(f"Warning: {problem}", err=True)
    site.setup_logging()  # not earlier: Alembic tells more than anybody wants to know
    worker = site.registry.worker
    options = server_options(site, listen)
    warning = connections.limit_connections(options)
    if warning is not None:
        click.echo(f"Warning: {warning}", err=True)
    server = listening(application, options)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        if site.registry.microblog[WORKER] != "off":
            worker.start()
        get_alerts(site.registry).start()
        click.echo(f"microblog is at {address(server)} (Ctrl-C stops it).")
        server.run()  # returns after `stop`, when the requests that it works on are answered
    finally:
        server.close()
        worker.stop()
        get_alerts(site.registry).close()


def stop(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def server_options(site: Site, listen: str | None) -> dict[str, Any]:
    """Waitress' settings: those of the ini file, and what we know better."""
    section = site.section(SERVER_SECTION)
    runner = section.pop("use", WAITRESS)
    if not runner.startswith("egg:waitress"):
        raise OperatorError(
            f"`microblog serve` runs waitress, but [{SERVER_SECTION}] says use = {runner}: "
            f"say use = {WAITRESS}, or run `pserve {site.ini}` and `{site.command('worker')}`."
        )
    if listen is not None:
        section = {key: value for key, value in section.items() if key not in PLACES}
        section["listen"] = listen
    elif not PLACES & set(section):
        section["listen"] = DEFAULT_LISTEN
    return {
        **connections.DEFAULTS,
        "ident": None,
        "clear_untrusted_proxy_headers": True,
        "max_request_body_size": site.registry.microblog[MAX_BODY] + MARGIN_BYTES,
        "ipv6": can_bind(socket.AF_INET6, "::1"),
        **section,
    }


PLACES = {"listen", "host", "port", "unix_socket", "sockets"}


def can_bind(family: socket.AddressFamily, host: str) -> bool:
    """Can this machine listen there? In some containers `localhost` has an address that it cannot."""
    try:
        with socket.socket(family) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def listening(application: Any, options: dict[str, Any]) -> Any:
    """A waitress server that listens already, but answers nothing yet."""
    sockets: dict[int, Any] = {}
    try:
        return create_server(application, map=sockets, **options)
    except OSError as error:
        wasyncore.close_all(sockets)
        place = options.get("listen") or options.get("unix_socket") or options.get("port")
        if error.errno == errno.EADDRINUSE:
            raise OperatorError(
                f"Something listens at {place} already, perhaps another microblog: "
                "stop that, or choose another place with --listen HOST:PORT."
            ) from error
        raise OperatorError(
            f"Cannot listen at {place} ({error.strerror}): choose another place with --listen HOST:PORT."
        ) from error
    except ValueError as error:
        raise OperatorError(f"[{SERVER_SECTION}] or --listen is wrong: {error}") from error


def address(server: Any) -> str:
    """Where people find the server, for a person at this machine."""
    places = getattr(server, "effective_listen", None) or [(server.effective_host, server.effective_port)]
    host, port = places[0]
    if host == "unix":
        return f"the socket {port}"
    if host in EVERYWHERE:
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
