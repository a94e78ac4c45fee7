#!/bin/sh
# iptables has two back ends and all programs in a network namespace must use the same one. The node's own
# choice is read off what is already there (the kubelet leaves a hint chain), then made permanent.
directory=/usr/sbin
if xtables-nft-multi iptables-save -t mangle 2>/dev/null | grep -q KUBE-IPTABLES-HINT; then
  mode=nft
elif xtables-legacy-multi iptables-save -t mangle 2>/dev/null | grep -q KUBE-IPTABLES-HINT; then
  mode=legacy
elif [ "$(xtables-legacy-multi iptables-save 2>/dev/null | grep -c '^-')" -ge "$(xtables-nft-multi iptables-save 2>/dev/null | grep -c '^-')" ]; then
  mode=legacy
else
  mode=nft
fi
for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  ln -sf "xtables-$mode-multi" "$directory/.$name.$$" && mv -f "$directory/.$name.$$" "$directory/$name"
done
exec "$0" "$@"
