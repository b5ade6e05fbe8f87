"""`woaas login`."""

from __future__ import annotations

import os
import sys
from getpass import getpass

from woaas import Client
from woaas._client import DEFAULT_BASE_URL

from .config import store
from .output import AsJSON, print_json, say


def login(*, base_url: str | None = None, as_json: AsJSON = False) -> None:
    """Check an API key and store it for the commands that follow, in a file only you can read.

    The key is taken from WOAAS_API_KEY, else asked for, else read from standard input; never from the command line,
    where others could see it.

    Parameters
    ----------
    base_url
        Where the service is; WOAAS_BASE_URL or http://127.0.0.1:8000 unless given.
    """
    url = base_url or os.environ.get("WOAAS_BASE_URL") or DEFAULT_BASE_URL
    api_key = os.environ.get("WOAAS_API_KEY") or (getpass("API key: ") if sys.stdin.isatty() else sys.stdin.readline())
    with Client(api_key.strip(), url) as client:
        me = client.me()
    file = store(url, api_key.strip())
    if as_json:
        print_json({"base_url": url, "config": str(file), "me": me})
    else:
        say(f"{url} knows this key{f', tenant {me.tenant_id}' if me.tenant_id else ''}. Stored in {file}.")
