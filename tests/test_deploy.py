"""What is in deploy/ does what it says: the proxies in front of a server, the units of systemd, the image's steps."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from programs import PATH, free_ports, program, running
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from chatserver.config import load
from chatserver.testing import Client, HttpClient
from chatserver.testing.postgresql import NoPostgresql, postgresql

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SETTINGS = {"server": {"trusted_proxies": ["127.0.0.1"], "public_url": "https://chat.example.org"}}


def certificate(folder):
    if shutil.which("openssl") is None:
        pytest.skip("deploy/nginx.conf is not tested without openssl")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=chat.example.org",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def nginx_conf(folder, server, plain, redirecting, tls):
    """deploy/nginx.conf on free ports, once more without TLS, with certificates of our own."""
    text = (DEPLOY / "nginx.conf").read_text()
    for there, here in (
        ("listen [::]:80;", ""),
        ("listen 80;", f"listen 127.0.0.1:{redirecting};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{tls} ssl;"),
        ("listen [::]:443 ssl;", f"listen 127.0.0.1:{plain};"),
        ("/etc/letsencrypt/live/chat.example.org", str(folder)),
        ("127.0.0.1:8080", f"127.0.0.1:{server}"),
    ):
        assert text.count(there) >= 1, there
        text = text.replace(there, here)
    temporary = "".join(
        f"{name}_temp_path {folder / name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\nmaster_process off;\npid {folder / 'pid'};\nevents {{ }}\n"
        f"http {{\naccess_log off;\n{temporary}{text}\n}}\n"
    )


@asynccontextmanager
async def nginx(folder, server):
    path = program("nginx")
    certificate(folder)
    plain, redirecting, tls = free_ports(3)
    (folder / "nginx.conf").write_text(nginx_conf(folder, server, plain, redirecting, tls))
    async with running(
        plain, folder, path, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")
    ):
        yield {"plain": plain, "redirecting": redirecting, "tls": tls}


@asynccontextmanager
async def caddy(folder, server):
    path = program("caddy")
    plain, admin = free_ports(2)
    names = {
        "CHAT_DOMAIN": f":{plain}",
        "CHAT_SERVER": f"127.0.0.1:{server}",
        "CADDY_ADMIN": f"127.0.0.1:{admin}",
    }
    command = path, "run", "--config", str(DEPLOY / "Caddyfile")
    async with running(plain, folder, *command, **names):
        yield {"plain": plain}


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def behind(request, tmp_path):
    """``async with behind(server) as ports``: a proxy in front of the server, set up as in deploy/."""
    folder = tmp_path / "proxy"
    folder.mkdir()
    return lambda server: request.param(folder, server.server.port)


async def closed(writer):
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def talks(*clients):
    for client in clients:
        await client.join("general")
    for n, client in enumerate(clients):
        await client.says(f"{n}")
    for client in clients:
        assert [(await client.hears()).content for _ in clients] == [str(n) for n in range(len(clients))]


async def test_a_proxy_passes_sockets_streams_and_uploads_on(chat, behind, tmp_path):
    async with chat(plugins=["files"], settings=SETTINGS) as server, behind(server) as ports:
        url = f"http://127.0.0.1:{ports['plain']}"
        socket = Client(url.replace("http", "ws") + "/ws")
        streams = [HttpClient(url, reading) for reading in ("events", "poll")]
        for client, name in zip((socket, *streams), ("alice", "bob", "carl"), strict=True):
            await client.hello(name=name)
        await talks(socket, *streams)
        for session in server.services.sessions.all():
            assert session.connection.remote_ip == "127.0.0.1"

        http = AsyncHTTPClient()
        bearer = {"Authorization": f"Bearer {socket.token}"}
        content = os.urandom(5_000_000)
        uploaded = await http.fetch(
            f"{url}/plugins/files/upload?room=general", method="POST", body=content,
            headers={**bearer, "X-File-Name": "some.bin", "Content-Type": "application/octet-stream"},
        )  # fmt: skip
        file = json.loads(uploaded.body)["file"]
        await socket.says("", files=[file["id"]])
        assert (await http.fetch(url + file["url"], headers=bearer)).body == content
        answer = await http.fetch(f"{url}/metrics", raise_error=False)
        assert answer.code == 404
        for client in (socket, *streams):
            await client.leave()


async def test_a_proxy_says_who_is_there_whatever_the_client_claims(chat, behind):
    async with chat(settings=SETTINGS) as server, behind(server) as ports:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", ports["plain"], local_addr=("127.0.0.2", 0)
        )
        body = b'{"name":"alice"}'
        lines = (
            "POST /api/v1/stream HTTP/1.1", "Host: chat.example.org", "X-Forwarded-For: 6.6.6.6",
            "Forwarded: for=6.6.6.6", "Content-Type: application/json", f"Content-Length: {len(body)}", "", "",
        )  # fmt: skip
        writer.write("\r\n".join(lines).encode() + body)
        assert b" 201 " in await reader.readline()
        (session,) = server.services.sessions.all()
        assert session.connection.remote_ip == "127.0.0.2"
        await closed(writer)


async def test_a_proxy_refuses_what_is_larger_than_any_upload(chat, behind):
    async with chat(plugins=["files"], settings=SETTINGS) as server, behind(server) as ports:
        alice = await server.client("alice")
        await alice.join("general")
        reader, writer = await asyncio.open_connection("127.0.0.1", ports["plain"])
        lines = (
            "POST /plugins/files/upload?room=general HTTP/1.1", "Host: chat.example.org", "X-File-Name: big.bin",
            f"Authorization: Bearer {alice.token}", "Content-Length: 40000000", "", "",
        )  # fmt: skip
        writer.write("\r\n".join(lines).encode())

        async def send():
            for _ in range(40):
                writer.write(bytes(1_000_000))
                await writer.drain()

        sending = asyncio.ensure_future(send())
        assert b" 413 " in await asyncio.wait_for(reader.readline(), 10)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await closed(writer)


async def test_nginx_speaks_tls_and_leads_there(chat, tmp_path):
    async with chat(settings=SETTINGS) as server, nginx(tmp_path, server.server.port) as ports:
        http = AsyncHTTPClient()
        page = await http.fetch(HTTPRequest(f"https://127.0.0.1:{ports['tls']}/", validate_cert=False))
        assert page.headers["Content-Security-Policy"]
        # The server knows of the TLS in front of it.
        assert page.headers["Strict-Transport-Security"]
        led = await http.fetch(
            f"http://127.0.0.1:{ports['redirecting']}/x?y=1", follow_redirects=False, raise_error=False
        )
        assert (led.code, led.headers["Location"]) == (301, "https://127.0.0.1/x?y=1")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection("127.0.0.1", ports["tls"], ssl=context)
        upgrade = (
            "GET /ws HTTP/1.1", "Host: chat.example.org", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version: 13", "", "",
        )  # fmt: skip
        writer.write("\r\n".join(upgrade).encode())
        assert b" 101 " in await reader.readline()
        await closed(writer)


# systemd


def unit(name):
    """The settings of a unit; a name without value is there once."""
    lines = [line for line in (DEPLOY / name).read_text().splitlines() if line and line[0] not in "#["]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("name", ["chatserver.service", "chatserver@.service", "chatserver-node@.service"])
def test_systemd_understands_the_units(name, tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("the units are not tested without systemd-analyze")
    copy = tmp_path / name
    # What it starts has to be there.
    copy.write_text((DEPLOY / name).read_text().replace("/opt/chatserver/bin/chatserver", "/bin/true"))
    done = subprocess.run([analyze, "verify", copy], capture_output=True, text=True, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "chatserver" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_units_differ_in_their_names_alone():
    one, many = unit("chatserver.service"), unit("chatserver@.service")
    assert {key for key in one if one[key] != many[key]} == {"Description", "ExecStart", "StateDirectory"}
    assert one.keys() == many.keys()
    node = unit("chatserver-node@.service")
    assert {key for key in node if node[key] != many.get(key)} == {
        "Description", "After", "ExecStart", "Environment", "StateDirectory",
    }  # fmt: skip
    assert one["StateDirectoryMode"] == "0700"
    assert one["UMask"] == "0077"


# The image


def instructions(name):
    """Those of the Dockerfile with this name, without it."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    return re.findall(rf"^{name} (.+)$", text, re.M)


def copied():
    """What the image is built from."""
    return {each for line in instructions("COPY") if "--from" not in line for each in line.split()[:-1]}


def environment():
    """The variables that the image sets, but for its path."""
    pairs = (pair.split("=", 1) for line in instructions("ENV") for pair in shlex.split(line))
    return {name: value for name, value in pairs if name != "PATH"}


def test_the_image_is_built_from_what_a_wheel_needs():
    assert copied() == {
        "setup.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "chatserver",
        "plugins",
        "public",
    }
    assert all((ROOT / each).exists() for each in copied())
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == copied()
    assert instructions("USER") == ["chatserver"]
    (wanted,) = re.findall(r"pip install .*\[(.+)\]", (DEPLOY / "Dockerfile").read_text())
    known = metadata.metadata("chatserver").get_all("Provides-Extra")
    assert set(wanted.split(",")) <= set(known)


async def test_the_image_starts_and_its_check_tells_whether_it_works(tmp_path):
    (volume,) = instructions("VOLUME")
    (port,) = free_ports(1)
    settings = {name: value.replace(volume, str(tmp_path)) for name, value in environment().items()}
    settings |= {"CHATSERVER_SERVER__PORT": str(port), "CHATSERVER_SERVER__HOST": "127.0.0.1"}
    entry, arguments = (json.loads(instructions(name)[0]) for name in ("ENTRYPOINT", "CMD"))
    assert entry == ["chatserver"]
    _, *check = json.loads(instructions("HEALTHCHECK")[0].partition(" CMD ")[2])
    folder = tmp_path / "etc"
    folder.mkdir()

    async def checked():
        process = await asyncio.create_subprocess_exec(
            sys.executable, *check, env=settings, stderr=subprocess.DEVNULL
        )
        return await process.wait()

    command = sys.executable, "-m", "chatserver", *arguments
    async with running(port, folder, *command, cwd=folder, **settings):
        assert await checked() == 0
        assert (tmp_path / "chat/chat.db").exists()
    assert await checked() == 1


def compose_settings(service, folder):
    """The settings that a server of deploy/compose.yaml has."""
    given = {
        name: value.split("${")[0] + "chat.example.org"
        if "${CHAT_DOMAIN" in value
        else value.replace("${CHAT_DB_PASSWORD:-}", "secret")
        for name, value in service["environment"].items()
    }
    return load(None, {**environment(), **given, "CHATSERVER_DATA_DIR": str(folder)})


def test_compose_gives_the_settings_that_the_server_knows(tmp_path):
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    (network,) = compose["networks"]["inside"]["ipam"]["config"]
    for name in ("chat", "chat1", "chat2"):
        service = services[name]
        assert (ROOT / "deploy" / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).exists()
        settings = compose_settings(service, tmp_path)
        assert settings.server.trusted_proxies == (network["subnet"],)
        assert settings.server.public_url == "https://chat.example.org"
        assert set(instructions("VOLUME")) <= {mount.split(":")[1] for mount in service["volumes"]}
    assert services["caddy"]["environment"]["CHAT_SERVER"] == f"chat:{settings.server.port}"
    # Each service and volume belongs to one of the two, and what a service waits for to the same.
    for name, service in services.items():
        (profile,) = service["profiles"]
        for other in service.get("depends_on", {}):
            assert services[other]["profiles"] == [profile], name
    one, two = services["chat1"], services["chat2"]
    assert settings.store.url == "postgresql://chat:secret@postgres/chat"
    assert settings.bus.url == "redis://redis:6379/0"
    own = {mount.split(":")[0] for mount in one["volumes"]} & {
        mount.split(":")[0] for mount in two["volumes"]
    }
    assert own == {"files"}
    storage = settings.plugins.enabled["files"].settings["storage"]
    assert storage.startswith("/files")
    (extras,) = re.findall(r"pip install .*\[(.+)\]", (DEPLOY / "Dockerfile").read_text())
    assert {"postgresql", "redis"} <= set(extras.split(","))


def test_the_nginx_of_compose_leads_to_both_servers(tmp_path):
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    (_, _, command) = compose["services"]["nginx"]["command"]
    edit = (
        command.partition(" > ")[0]
        .replace("$$", "$")
        .replace("/etc/nginx/chatserver.conf", str(DEPLOY / "nginx.conf"))
    )
    made = subprocess.run(
        ["sh", "-c", edit],
        env={"PATH": PATH, "CHAT_DOMAIN": "talk.example.net"},
        capture_output=True,
        text=True,
    ).stdout
    assert "chat.example.org" not in made.replace("# ", "")
    upstream = made[made.index("upstream") :].partition("}")[0]
    assert re.findall(r"server (\S+);", upstream) == ["chat1:8080", "chat2:8080"]
    assert "/etc/letsencrypt/live/talk.example.net/fullchain.pem" in made
    # nginx itself takes it, where the names lead somewhere.
    path = program("nginx")
    certificate(tmp_path)
    text = made.replace("/etc/letsencrypt/live/talk.example.net", str(tmp_path))
    text = re.sub(r"chat[12]:8080", "127.0.0.1:1", text)
    (tmp_path / "nginx.conf").write_text(
        f"events {{ }} pid {tmp_path / 'pid'}; http {{ access_log off;\n{text}\n}}\n"
    )
    done = subprocess.run(
        [path, "-t", "-e", "stderr", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "syntax is ok" in done.stderr, done.stderr


# Backups


def test_what_is_no_chat_is_neither_copied_nor_restored(tmp_path):
    data, copy = tmp_path / "data", tmp_path / "copy"
    for folder in (data, copy):
        folder.mkdir()
    done = subprocess.run([DEPLOY / "backup.sh", data, copy], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, f"There is no chat.db in {data}.\n")
    (data / "chat.db").write_text("as it was")
    for content in (None, b"", b"no database" * 1000):
        if content is not None:
            (copy / "chat.db").write_bytes(content)
        done = subprocess.run([DEPLOY / "restore.sh", copy, data], capture_output=True, text=True)
        assert (done.returncode, "nothing was changed" in done.stderr) == (1, True)
        assert [path.name for path in data.iterdir()] == ["chat.db"]


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request):
    """A database, the ending of the scripts for it, and what they are told besides the folder."""
    if request.param == "sqlite":
        yield "sqlite:", "", ()
        return
    if shutil.which("pg_dump") is None:
        pytest.skip("backups of PostgreSQL are not tested without pg_dump")
    try:
        url = postgresql().make()
    except NoPostgresql as error:
        pytest.skip(f"backups of PostgreSQL are not tested: {error}")
    yield url, "-postgresql", (url,)
    postgresql().drop(url)


async def test_a_backup_of_a_running_server_brings_everything_back(process, tmp_path, kept):
    url, ending, where = kept

    def ran(name, *arguments):
        done = subprocess.run(
            [DEPLOY / f"{name}{ending}.sh", *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.stdout.strip()

    data = tmp_path / "data"
    settings = {"data_dir": str(data), "store": {"url": url}}
    async with process(settings=settings) as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        http, bearer = AsyncHTTPClient(), {"Authorization": f"Bearer {alice.token}"}
        uploaded = await http.fetch(
            f"{server.url}/plugins/files/upload?room=general", method="POST", body=b"a file",
            headers={**bearer, "X-File-Name": "a.txt"},
        )  # fmt: skip
        file = json.loads(uploaded.body)["file"]
        kept = await alice.says("kept", files=[file["id"]])
        copy = ran("backup", *where, data, tmp_path / "backups")
        later = await alice.says("after the backup")
        epoch = alice.welcome.epoch
        await alice.leave()
        await server.kill()
        assert "Restored" in ran("restore", copy, *where, data)
        await server.start()
        again = await server.client(
            token=alice.token, resume={"epoch": epoch, "rooms": {"general": later.seq}}
        )
        assert again.welcome.epoch != epoch
        room = next(room for room in again.welcome.rooms if room["name"] == "general")
        assert room["head"] == kept.seq
        page = await again.ask("sync", room="general", after=0)
        assert page.events[-1]["content"] == "kept"
        assert (await http.fetch(server.url + file["url"], headers=bearer)).body == b"a file"
        copied = [path for path in (*data.iterdir(), *Path(copy).iterdir()) if path.is_file()]
        assert copied
        assert all(path.stat().st_mode & 0o077 == 0 for path in copied)
        await again.leave()
