"""``woaas-server openapi`` and ``woaas-server sdl``: the public contracts."""

import sys


def openapi(*, generate: bool = False) -> None:
    """Print the OpenAPI document.

    Parameters
    ----------
    generate
        Write it anew from the code instead of printing the committed one.
    """
    from woaas_api import openapi as contract  # noqa: PLC0415 - keeps --help fast

    sys.stdout.buffer.write(contract.rendered() if generate else contract.committed())


def sdl(*, generate: bool = False) -> None:
    """Print the GraphQL schema.

    Parameters
    ----------
    generate
        Write it anew from the code instead of printing the committed one.
    """
    from woaas_graphql import schema as contract  # noqa: PLC0415

    sys.stdout.write(contract.sdl() if generate else contract.committed())
