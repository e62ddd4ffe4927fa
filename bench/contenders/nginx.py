"""nginx as a plain proxy: keep-alive towards the upstream, one worker, no access log. It reads nothing of MCP."""

from __future__ import annotations

import os
import pwd
import shutil

from bench.contenders.base import Contender, Place
from bench.load import Target
from bench.machine import search_path
from bench.procs import Child, accepts, free_port

CONFIG = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream mcp {{
        server 127.0.0.1:{upstream};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        location / {{
            proxy_pass http://mcp;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_read_timeout 300s;
        }}
    }}
}}
"""


class Nginx(Contender):
    key = "nginx"
    title = "nginx, plain proxy"
    note = "one worker, keep-alive upstream, no access log; it reads nothing of MCP and decides nothing"

    def missing(self) -> str | None:
        return None if self._binary() else "nginx is not installed"

    def start(self, place: Place) -> None:
        port = free_port()
        user = f"user {pwd.getpwuid(os.geteuid()).pw_name};" if os.geteuid() == 0 else ""
        config = place.folder / "nginx.conf"
        config.write_text(CONFIG.format(user=user, folder=place.folder, upstream=place.upstream, port=port))
        command = [
            self._binary() or "nginx",
            "-p",
            str(place.folder),
            "-e",
            str(place.folder / "error.log"),
            "-c",
            str(config),
        ]
        child = Child(command, core=place.cores.gateway, log=place.folder / "nginx.log")
        self.children = [child]
        self.target = Target(port, "/mcp")
        child.until(lambda: accepts(port), "nginx")

    @staticmethod
    def _binary() -> str | None:
        return shutil.which("nginx", path=search_path())
