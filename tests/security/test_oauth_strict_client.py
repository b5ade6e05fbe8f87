"""A certified OpenID Connect client that we did not write (openid-client, on Node.js) uses the server as it comes.

It checks what a strict client checks: discovery, `iss` of the answer, state, nonce, signature, `at_hash`, `auth_time`.
"""

import asyncio
import json
import socket
from pathlib import Path

import msgspec
import pytest
import uvicorn
from fixtures.app import Tenant, World
from fixtures.npm import installed
from fixtures.oauth import consent, machine, register, sign_in
from httpx import AsyncClient

from woaas_api.app import create_app

pytestmark = pytest.mark.anyio
PROJECT = Path(__file__).with_name("strict_client")
# Only so that a client that waits for ever is not waited for.
_LONGEST_S = 120


@pytest.fixture(scope="session")
def strict_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client installed by its lock."""
    return installed(PROJECT, tmp_path_factory)


async def test_it_signs_a_person_in_and_gets_a_machine_its_token(world: World, strict_client: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    settings = msgspec.structs.replace(world.settings, port=listener.getsockname()[1])
    world.app = await create_app(settings, database=world.db)
    server = uvicorn.Server(uvicorn.Config(world.app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        told = await _run(world, strict_client, settings.url)
    finally:
        server.should_exit = True
        await serving
    person, app_id = told.pop("person"), told.pop("machine")
    assert (person["name"], person["sub"]) == ("Test", told.pop("sub"))
    assert app_id.startswith("oac_")
    assert told == {"orders": 200, "before": True, "after": False}


async def _run(world: World, home: Path, issuer: str) -> dict[str, object]:
    factory = await world.tenant()
    scopes = ["openid", "profile", "email", "offline_access", "work_orders:read"]
    app, alone = await register(factory, scopes=scopes), await machine(factory, "planner")
    given = {
        "issuer": issuer,
        "id": app.id,
        "secret": app.secret,
        "machine": {"id": alone.id, "secret": alone.secret},
    }
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec("node", "client.mjs", cwd=home, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(_LONGEST_S):
            return await _talk(node, factory, given)
    finally:
        if node.returncode is None:
            node.kill()
            await node.wait()


async def _talk(node: asyncio.subprocess.Process, factory: Tenant, given: dict[str, object]) -> dict[str, object]:
    assert node.stdin
    assert node.stdout
    assert node.stderr
    node.stdin.write(f"{json.dumps(given)}\n".encode())
    asked = await node.stdout.readline()
    if not asked:
        pytest.fail((await node.stderr.read()).decode())
    async with AsyncClient(base_url=str(given["issuer"])) as client:
        await sign_in(factory, client)
        answer = await consent(client, await client.get(json.loads(asked)))
    node.stdin.write(f"{answer.headers['location']}\n".encode())
    told, complaints = await node.communicate()
    assert node.returncode == 0, complaints.decode()
    found: dict[str, object] = json.loads(told)
    return found
