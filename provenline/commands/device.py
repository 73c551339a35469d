"""`provenline device`: this device's key."""

from __future__ import annotations

import json
import socket
from typing import Annotated

import typer

from provenline.progress import out

app = typer.Typer(no_args_is_help=True, help="This device's key, with which it signs what it measured.")


@app.callback()
def device() -> None:
    """This device's key, with which it signs what it measured."""


@app.command("init")
def init(
    name: Annotated[str, typer.Option(help="As the allow-list calls it; left out: the host.")] = "",
) -> None:
    """Make this device's Ed25519 key, once, and print what the allow-list needs."""
    from provenline.device import keys

    path = keys.create(keys.state_folder())
    out.print(f"{path}: made; it must not leave this device", highlight=False, markup=False, soft_wrap=True)
    _print(name)


@app.command("show")
def show(
    name: Annotated[str, typer.Option(help="As the allow-list calls it; left out: the host.")] = "",
) -> None:
    """Print this device's public key and fingerprint."""
    _print(name)


def _print(name: str) -> None:
    from provenline.device import keys

    public = keys.public_text(keys.load(keys.state_folder()))
    out.print(f"fingerprint {keys.fingerprint(public)}", highlight=False, markup=False, soft_wrap=True)
    entry = json.dumps({"name": name or socket.gethostname(), "public_key": public}, ensure_ascii=False)
    out.print("for models/devices.json, in the project:", highlight=False)
    out.print(entry, highlight=False, markup=False, soft_wrap=True)
