"""Records the answers of the probes that tell what is in the way of a port when nobody holds it, on lab hosts.

``python -m tests.probes.record_reach``. What no lab host can have (SELinux, AppArmor) is in files of its own, with
where it is from.
"""

from __future__ import annotations

from tests.lab import Lab
from tests.lab.cases import install
from tests.probes.asking import over_ssh
from tests.probes.record import HERE, MANAGERS, keep

LSOF = "/usr/bin/lsof -nP -F pcLftin"
NFT = "/usr/sbin/nft -a list ruleset"


def main() -> None:
    """Boot, put each host into its state, record."""
    with Lab() as lab:
        host = lab.boot("web1", sudo=(LSOF,))
        install(host, "14")
        for user in ("root", "nosudo"):
            keep(HERE, f"bound-{user}", over_ssh(lab, host, user), "console.probes.bound:PROBE", "8080",
                 tools="ss uname", who=user)  # fmt: skip
        keep(HERE, "unlisted-oncall", over_ssh(lab, host, "oncall"), "console.probes.unlisted:PROBE", "8080",
             tools="uname", who="oncall")  # fmt: skip
        host = lab.boot("web2", sudo=(NFT,))
        install(host, "19limited")
        host.sh("iptables -A INPUT -p tcp -m multiport --dports 8000:8080,9090 ! -s 10.0.0.0/8 -j REJECT "
                "--reject-with tcp-reset; iptables -N office; iptables -A office -i host+ -m conntrack --ctstate NEW "
                "-m comment --comment 'from home, too' -j RETURN; iptables -A INPUT -g office; "
                "ip6tables -P INPUT DROP; ip6tables -A INPUT -p ipv6-icmp -j ACCEPT")  # fmt: skip
        for name, probe in (("nftables", "nftables:PROBE"), ("iptables", "iptables:IPTABLES"),
                            ("ip6tables", "iptables:IP6TABLES")):  # fmt: skip
            tools = "nft" if name == "nftables" else "iptables"
            keep(HERE, name, over_ssh(lab, host), f"console.probes.{probe}", tools=tools, who="root")
        for address, port in (("127.0.0.1", "8080"), ("127.0.0.1", "8081"), ("::1", "22")):
            keep(HERE, f"reach-{'v6' if ':' in address else port}", over_ssh(lab, host), "console.probes.reach:PROBE",
                 address, port, tools="python3", who="root")  # fmt: skip
        host = lab.boot("web3")
        install(host, "17families")
        keep(HERE, "confinement", over_ssh(lab, host), "console.probes.confinement:PROBE", "api.service",
             tools="systemctl", who="root")  # fmt: skip
        keep(HERE, "confinement-host", over_ssh(lab, host, "nosudo"), "console.probes.confinement:PROBE",
             tools="systemctl", who="nosudo")  # fmt: skip
        host = lab.boot("filters", docker=True)
        host.install_api()
        host.sh("systemctl set-property --runtime api.service IPAddressDeny=any IPAddressAllow=localhost")
        keep(HERE, "unit-filter", over_ssh(lab, host), "console.probes.unit_filter:PROBE", "api.service",
             tools="systemctl", who="root")  # fmt: skip
        host.install_api(name="alpha", port=8081)
        host.unit("beta.service", "[Unit]\nUpholds=alpha.service\n[Service]\nExecStart=/bin/sleep 9999\n")
        host.install_api(name="job", port=8082, start=False)
        host.unit("job.timer", "[Timer]\nOnActiveSec=1s\nOnUnitInactiveSec=3s\nAccuracySec=100ms\n")
        keep(MANAGERS, "show-starters", over_ssh(lab, host), "console.managers.systemd:SHOW_UNITS", "job.service",
             "alpha.service", tools="systemctl", who="root")  # fmt: skip
        host = lab.boot("web4")
        install(host, "13udp")
        for user in ("root", "nosudo"):
            keep(HERE, f"sockets-udp-{user}", over_ssh(lab, host, user), "console.probes.sockets:PROBE", "5514",
                 tools="ss", who=user)  # fmt: skip
        host = lab.boot("fire1", packages=("firewalld",))
        host.run(["systemctl", "start", "firewalld.service"], timeout=60)
        host.run(["firewall-cmd", "--permanent", "--zone=public", "--add-port=8443/tcp"])
        host.run(["firewall-cmd", "--reload"])
        keep(HERE, "nftables-firewalld", over_ssh(lab, host), "console.probes.nftables:PROBE",
             tools="nft firewall-cmd", who="root")  # fmt: skip
        host.run(["firewall-cmd", "--zone=public", "--change-interface=host0"])
        keep(HERE, "firewalld", over_ssh(lab, host), "console.probes.firewalld:PROBE", tools="firewall-cmd", who="root")


if __name__ == "__main__":
    main()
