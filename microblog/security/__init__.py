"""Identity, permissions, and the checks of every request and response.

The identity is read first, in a short read-only session of its own. Requests that may be forged are refused
in a tween outside the transaction, so that they never open one.
"""

from typing import Any


def includeme(config: Any) -> None:
    from pyramid.tweens import EXCVIEW
    from pyramid.viewderivers import INGRESS

    from microblog.observing import OBSERVING_TWEEN
    from microblog.request import MAX_BODY, Request
    from microblog.security.csrf import csrf_token, token_deriver
    from microblog.security.gate import GATE_TWEEN
    from microblog.security.headers import CONTENT_SECURITY_POLICY, HEADERS_TWEEN, add_content_source
    from microblog.security.policy import SecurityPolicy, add_identity_loader
    from microblog.security.settings import SETTINGS, check_settings
    from microblog.transactions import TRANSACTION_TWEEN

    config.declare_settings(*SETTINGS, MAX_BODY)
    check_settings(config.registry)
    config.registry.bytes_for_files = 0
    config.registry.content_security_policy = dict(CONTENT_SECURITY_POLICY)
    config.add_directive("add_content_source", add_content_source)
    config.set_request_factory(Request)
    config.registry.security_policy = SecurityPolicy()
    config.set_security_policy(config.registry.security_policy)
    config.add_directive("add_identity_loader", add_identity_loader)
    config.add_request_method(csrf_token, reify=True)
    config.add_view_deriver(token_deriver, name="csrf_token", under=INGRESS, over="secured_view")
    config.include("microblog.security.limits")
    # From the outside in: headers, errors (web/errors.py), gate, sending (submissions/), the transaction.
    config.add_tween(GATE_TWEEN, over=[TRANSACTION_TWEEN, EXCVIEW])
    config.add_tween(HEADERS_TWEEN, over=GATE_TWEEN, under=OBSERVING_TWEEN)
