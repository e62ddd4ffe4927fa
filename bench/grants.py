"""Makes and changes grants in bulk through the control functions, as a console or a script of an operator would.

python -m bench.grants DATA add 10000 POLICY       ten thousand grants on the server `up`
python -m bench.grants DATA attach 10000 POLICY    puts each under another policy, one change after the other
python -m bench.grants DATA edit 10000 POLICY      a new version of the policy: one change that concerns all of them
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench import traffic
from gatepost.control.act import Actor
from gatepost.control.grants import add_grant, attach_policy
from gatepost.control.policies import add_policy
from gatepost.control.store import open_store
from gatepost.paths import DataFolder

SERVER = "up"


def main() -> None:
    data, what, number, policy = sys.argv[1:]
    with open_store(DataFolder(Path(data))) as store:
        actor = Actor.local()
        if what == "edit":
            document = {**traffic.FULL_POLICY, "description": "edited"}
            add_policy(store, actor, policy, json.dumps(document), SERVER)
            return
        for index in range(int(number)):
            label = f"many-{index:05d}"
            if what == "add":
                add_grant(store, actor, label, server=SERVER, policy=policy)
            else:
                attach_policy(store, actor, label, policy)


if __name__ == "__main__":
    main()
