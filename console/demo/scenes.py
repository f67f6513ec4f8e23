"""The fleet of the demo: a dozen hosts, three incidents."""

from console.demo.world import DemoHost, Port, Unit

PRODUCTION = frozenset({"web-1", "web-2", "web-3", "db-1", "db-2", "queue-1"})


def fleet() -> tuple[DemoHost, ...]:
    """All hosts as they are when the demo begins."""
    hosts = (
        *(_web(f"web-{number}") for number in (1, 2, 3)),
        *(_database(f"db-{number}") for number in (1, 2)),
        _queue(),
        _host("cache-1", _unit("redis-server.service", "Advanced key-value store", "redis", Port(6379, "127.0.0.1"))),
        _host("mail-1", _unit("postfix@-.service", "Postfix Mail Transport Agent", "root", Port(25), process="master")),
        _host("build-1", _unit("buildbot.service", "Build worker", "build", Port(9989, "127.0.0.1"))),
        _host("metrics-1", _unit("prometheus.service", "Monitoring system", "prometheus", Port(9090, "::"))),
        _host("stage-1", _unit("api.service", "Web API", "deploy", Port(8080, "::"))),
        _host("bastion", _unit("fail2ban.service", "Fail2Ban Service")),
    )
    for number, host in enumerate(hosts):
        _give_pids(host, 400 + 37 * number)
        host.next_pid = 4200 + 311 * number
    return hosts


def _web(name: str) -> DemoHost:
    host = _host(
        name,
        _unit("nginx.service", "A high performance web server", "www-data", Port(80), Port(443)),
        _unit("api.service", "Web API", "deploy", Port(8080)),
        busy=23.0,
    )
    if name == "web-3":
        legacy = _unit("legacy-api.service", "Web API, the release before", "deploy", Port(8080, "127.0.0.1"))
        legacy.process = "node"
        legacy.restart, legacy.enabled = "always", "disabled"
        legacy.changed = -511.0
        api = host.units["api.service"]
        api.active, api.sub, api.result, api.exit_status = "failed", "failed", "exit-code", 1
        api.restarts, api.changed = 5, -109.0
        for second in (-131, -127, -121, -115, -109):
            api.log.append((second, 3, "listen tcp 0.0.0.0:8080: bind: address already in use"))
        host.units["legacy-api.service"] = legacy
    return host


def _database(name: str) -> DemoHost:
    host = _host(name, _unit("postgresql@15-main.service", "PostgreSQL Cluster 15-main", "postgres", Port(5432)))
    host.memory = 64 << 30
    if name == "db-2":
        # It was away while billing gave up, and is back: to start billing again is the mend.
        database = host.units["postgresql@15-main.service"]
        database.changed = -1_440.0
        database.log.append((-1_532, 4, "received fast shutdown request"))
        database.log.append((-1_440, 6, "database system is ready to accept connections"))
    if name == "db-1":
        backup = _unit("pg-backup.service", "Nightly base backup", "postgres", process="pg_basebackup")
        backup.changed, backup.restart = -372.0, "no"
        host.units[backup.name] = backup
        host.blocker = backup.name
    return host


def _queue() -> DemoHost:
    host = _host(
        "queue-1",
        _unit("rabbitmq-server.service", "RabbitMQ Messaging Server", "rabbitmq", Port(5672, "::"), process="beam.smp"),
        _unit("billing.service", "Billing worker", "deploy", Port(9200, "127.0.0.1")),
    )
    billing = host.units["billing.service"]
    billing.active, billing.sub, billing.result, billing.restarts = "failed", "failed", "start-limit-hit", 5
    billing.changed = -1_505.0
    for second in (-1_523, -1_519, -1_514, -1_510):
        billing.log.append((second, 3, "panic: cannot reach db-2:5432: connection refused"))
    billing.log.append((-1_505, 3, "Start request repeated too quickly."))
    return host


def _host(name: str, *units: Unit, busy: float = 9.0) -> DemoHost:
    everywhere = (
        _unit("ssh.service", "OpenBSD Secure Shell server", "root", Port(22), Port(22, "::"), process="sshd"),
        _unit("cron.service", "Regular background program processing daemon"),
        _unit("systemd-journald.service", "Journal Service", process="systemd-journal"),
        _unit("chrony.service", "NTP client/server", "_chrony", Port(323, "127.0.0.1", "udp"), process="chronyd"),
    )
    return DemoHost(name, {unit.name: unit for unit in (*everywhere, *units)}, busy=busy)


def _unit(name: str, description: str, user: str = "root", *ports: Port, process: str = "") -> Unit:
    return Unit(name, description, user, process or name.partition(".")[0].partition("@")[0], ports)


def _give_pids(host: DemoHost, first: int) -> None:
    for number, unit in enumerate(host.units.values()):
        if unit.running:
            unit.pid = first + 61 * number
