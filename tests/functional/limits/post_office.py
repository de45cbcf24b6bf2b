"""A room of somebody else's, with a limit of its own."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPOk
from pyramid.response import Response

from microblog.security.limits.counting import count_request
from microblog.tree import Api, Root
from microblog.web.api import api_view
from microblog.web.pages import page_view


@page_view(context=Root, name="parcel", methods=("GET", "POST"))
def parcel(root, request):
    if request.method == "POST":
        count_request(request, "parcels")
    return Response("<!DOCTYPE html><title>Parcel</title>", status=HTTPOk.code)


@page_view(context=Root, name="closed_parcel", methods=("POST",))
def closed_parcel(root, request):
    count_request(request, "parcels")


@page_view(context=Root, name="broken_parcel", methods=("GET", "POST"))
def broken_parcel(root, request):
    if request.method == "POST":
        count_request(request, "parcels")
    raise ZeroDivisionError


@page_view(context=Root, name="other_parcel", methods=("GET", "PUT"))
def other_parcel(root, request):
    count_request(request, "parcels")
    return Response("", status=HTTPOk.code)


@api_view(context=Api, name="parcels", methods=("GET",))
def parcels(api, request):
    count_request(request, "parcels")
    return {}


def includeme(config: Any) -> None:
    config.add_limit("parcels", what="Parcels", refusal="Too many parcels.", per_address="1 per minute")
    config.add_recovered_fields(note="Your note")
    config.scan(__name__)
