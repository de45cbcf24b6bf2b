"""`microblog serve`: serve the site."""

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
from microblog.console.processes import exempt_from_collections
from microblog.console.site import DEFAULT_LISTEN, SERVER_SECTION, Site, pass_site
from microblog.errors import OperatorError
from microblog.profiling.settings import PROFILER
from microblog.request import MAX_BODY

WAITRESS = "egg:waitress#main"
# The application itself answers a body that is too large with a page; waitress refuses bodies beyond this.
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
    application = site.load_application()
    if upgrade:
        click.echo(site.upgrade())
    for problem in site.find_problems():
        click.echo(f"Warning: {problem}", err=True)
    site.setup_logging()  # not earlier: Alembic logs too much
    worker = site.registry.worker
    options = build_server_options(site, listen)
    warning = connections.limit_connections(options)
    if warning is not None:
        click.echo(f"Warning: {warning}", err=True)
    server = start_listening(application, options)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        if site.registry.microblog[WORKER] != "off":
            worker.start()
        get_alerts(site.registry).start()
        exempt_from_collections()
        click.echo(f"microblog is at {format_address(server)} (Ctrl-C stops it).")
        server.run()  # returns after `stop`, when all requests in progress are answered
    finally:
        server.close()
        worker.stop()
        get_alerts(site.registry).close()
        site.registry.picture_decoder.close()


def stop(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def build_server_options(site: Site, listen: str | None) -> dict[str, Any]:
    """The settings of waitress: ours, and those of the ini file, which override them."""
    section = site.read_section(SERVER_SECTION)
    runner = section.pop("use", WAITRESS)
    if not runner.startswith("egg:waitress"):
        raise OperatorError(
            f"`microblog serve` runs waitress, but [{SERVER_SECTION}] says use = {runner}: "
            f"say use = {WAITRESS}, or run `pserve {site.ini}` and `{site.command('worker')}`."
        )
    if listen is not None:
        section = {key: value for key, value in section.items() if key not in LISTEN_KEYS}
        section["listen"] = listen
    elif not LISTEN_KEYS & set(section):
        section["listen"] = DEFAULT_LISTEN
    return {
        **connections.DEFAULTS,
        "ident": None,
        "clear_untrusted_proxy_headers": True,
        "max_request_body_size": site.registry.microblog[MAX_BODY]
        + site.registry.bytes_for_files
        + MARGIN_BYTES,
        "ipv6": can_bind(socket.AF_INET6, "::1"),
        **section,
    }


LISTEN_KEYS = {"listen", "host", "port", "unix_socket", "sockets"}


def can_bind(family: socket.AddressFamily, host: str) -> bool:
    """Can this machine listen there? In some containers `localhost` has an address that it cannot."""
    try:
        with socket.socket(family) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def start_listening(application: Any, options: dict[str, Any]) -> Any:
    """A waitress server that listens, but does not answer yet."""
    sockets: dict[int, Any] = {}
    try:
        return create_server(application, map=sockets, **options)
    except OSError as error:
        wasyncore.close_all(sockets)
        address = options.get("listen") or options.get("unix_socket") or options.get("port")
        if error.errno == errno.EADDRINUSE:
            raise OperatorError(
                f"Something listens at {address} already, perhaps another microblog: "
                "stop that, or choose another address with --listen HOST:PORT."
            ) from error
        raise OperatorError(
            f"Cannot listen at {address} ({error.strerror}): choose another address with --listen HOST:PORT."
        ) from error
    except ValueError as error:
        raise OperatorError(f"[{SERVER_SECTION}] or --listen is wrong: {error}") from error


def format_address(server: Any) -> str:
    """The server's address as a person at this machine can use it."""
    addresses = getattr(server, "effective_listen", None) or [(server.effective_host, server.effective_port)]
    host, port = addresses[0]
    if host == "unix":
        return f"the socket {port}"
    if host in EVERYWHERE:
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
