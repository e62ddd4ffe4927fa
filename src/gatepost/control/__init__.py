"""Every administrative act, once: what the command line, the console and the worker do to the configuration.

A change takes a `Store` and an `Actor`, checks all of its input first, and then changes the rows, the published feed
and the outbox in one transaction. After that it writes the outbox to the admin chain and tells a running data plane,
and returns a `Done`: when the call comes back, the data plane already decides by it, or a warning says that it does
not yet. Mistakes are `GatepostError` with GP-4001 (name), GP-4002 (taken), GP-4003 (no such), GP-4004 (changed in the
meantime), GP-4005 (value), GP-4006 (in use); nothing is changed then.

    from gatepost.control.store import open_store
    with open_store(DataFolder(data_folder(None))) as store:
        done = grants.add_grant(store, Actor.local(), "ci", server="files", policy="read-only")
        print(done.value.token, *done.warnings)

`gatepost.control.store`
    open_store(folder: DataFolder, *, create=True) -> Store        a context manager; makes keys and tables at the first
                                                                   start, migrates an older store, GP-5003 for a newer
`gatepost.control.act`
    Actor(name, kind)      who does it; `Actor.local()` is the user of this process at the command line
    Done[T]                .value: T, .revision: int (of the published feed), .warnings: tuple[str, ...]

`gatepost.control.servers`
    add_server(store, actor, name, *, url=None, headers=(), command=(), env={}, cwd=None, eras=(), versions=(),
               info=None, tools=None) -> Done[Server]             exactly one of url, command; headers: pairs
    list_servers(store) -> list[Server]
    show_server(store, name) -> Server
    remove_server(store, actor, name, *, force=False) -> Done[tuple[str, ...]]     labels of the grants revoked by force
    read_target(store, name) -> Target                            headers and env unsealed: to scan it with, not to show
`gatepost.control.tools`
    list_tools(store, server) -> list[Definition]
    tool_names(store, *, but=None) -> dict[str, list[str]]        of every server, or all but one
    store_scan(store, actor, server, tools, *, of=None, info=None, eras=None, versions=None) -> Done[Drift]
    set_category(store, actor, server, tool, category) -> Done[Definition]         category None: not classified
`gatepost.control.pins`
    waiting(store, server) -> tuple[Waiting, ...]                 new, changed and gone; .changes() says what differs
    accept(store, actor, server, shown) -> Done[tuple[str, ...]]  the `Waiting` that were shown; all of them or none
    set_drift_mode(store, actor, server, mode) -> Done[tuple[str, ...]]            quarantine, warn, off; what waits
    touched(store, server, definition) -> tuple[Touched, ...]     what policies say of a tool
`gatepost.control.run_pins`
    of_run(folder, server) -> PinFile | None                      of a server that is not registered and a `run` has met
    waiting(pins) -> tuple[Waiting, ...], accept(store, actor, server, pins, shown) -> Done[tuple[str, ...]]

`gatepost.control.policies`
    check(document: bytes | str, *, tools=None) -> Checked        JSON or YAML; PolicyRefused (GP-2001, .errors)
    add_policy(store, actor, name, document, server=None, *, expected_version=None) -> Done[Policy]
    list_policies(store) -> list[Policy]
    show_policy(store, name, version=None) -> Policy

`gatepost.control.policy_cases`, `policy_testing`
    case_files(folder) -> list[Path], read_cases(file) -> CaseFile, run_cases(file) -> Tested
`gatepost.control.policy_words`, `policy_replay`
    differences(old: Described, new: Described, tools) -> list[Difference]
    replay(entries, old, new, *, definitions, document_of, kept) -> Replay
`gatepost.control.keeping`
    set_keeping(store, actor, server, seconds) -> Done[int | None]                 None: not kept, and deleted
    kept_arguments(store) -> KeptArguments
    expire_kept(store) -> int                                     to be called now and then

`gatepost.control.grants`
    add_grant(store, actor, label, *, server, policy=None, identity=None, expires=None) -> Done[NewToken]
    list_grants(store, *, server=None) -> list[GrantRow]
    show_grant(store, label) -> GrantRow
    rotate_grant(store, actor, label, *, overlap=0.0) -> Done[NewToken]            overlap in seconds
    revoke_grant(store, actor, label) -> Done[GrantRow]
    attach_policy(store, actor, label, policy, *, expected_version=None) -> Done[GrantRow]      policy None detaches
    touch_last_used(store, {grant id: epoch seconds}) -> None
                                                                  expires: epoch seconds; `NewToken`: .grant, .token

`gatepost.control.secrets`
    read_secret(text) -> str                                      `@FILE`, `env:NAME`, `-`
    parse_header(text) -> (name, value)                           `Name: @FILE`, `Authorization: Bearer env:TOKEN`
    parse_env(text) -> (name, value)                              `NAME=value`, `NAME=@FILE`, `NAME=env:OTHER`
`gatepost.control.durations`
    parse_duration(text) -> int                                   `90s 30m 1h 30d 2w 1h30m` in seconds
    parse_expiry(text, now) -> float                              a duration from `now`, or a date or time of ISO 8601

Results are frozen dataclasses; only `NewToken` and `Target` hold secrets. `as_dict()` of `Server`, `Checked`,
`Policy`, `GrantRow` and `Drift` is ready for JSON.
"""
