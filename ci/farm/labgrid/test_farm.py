"""The farm of these tests itself."""

from pathlib import Path

from farm import consecutive_ports, free_ports


def test_a_port_of_the_farm_is_none_that_a_connection_may_get():
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = free_ports(50)
    assert len(set(ports)) == 50
    # On a host whose connections may get any port, there is no other.
    if first > 1024 or last < 64999:
        assert not [port for port in [*ports, consecutive_ports(2)] if first <= port <= last]
