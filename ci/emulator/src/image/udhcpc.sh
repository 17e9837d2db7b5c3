#!/bin/sh
# What udhcpc calls when it has an address: $ip, $mask, $router and $interface are its words.
# shellcheck disable=SC2154
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev "$interface"
[ -z "$router" ] || ip route add default via "${router%% *}" dev "$interface"
