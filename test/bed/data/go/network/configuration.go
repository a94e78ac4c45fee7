package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
)

const configurationFile = "/etc/cni/net.d/10-bed.conflist"

type object = map[string]any

// writeConfiguration makes the node able to run pods: containerd watches the folder and the kubelet turns
// Ready once a valid file is there. It is renamed into place so that nobody reads half of it.
func writeConfiguration(cidrs []string) error {
	if len(cidrs) == 0 {
		return nil // the controller manager has not assigned one yet; an event will follow
	}
	ranges, routes := []any{}, []any{}
	for _, cidr := range cidrs {
		ranges = append(ranges, []any{object{"subnet": cidr}})
		routes = append(routes, object{"dst": everywhere(cidr)})
	}
	wanted, err := json.MarshalIndent(object{
		"cniVersion": "0.3.1",
		"name":       "bed",
		"plugins": []any{
			object{
				"type":   "ptp",
				"ipMasq": false,
				"mtu":    mtu(),
				"ipam": object{
					"type":    "host-local",
					"dataDir": "/run/cni-ipam-state",
					"ranges":  ranges,
					"routes":  routes,
				},
			},
			object{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	}, "", "  ")
	if err != nil {
		return err
	}
	if present, err := os.ReadFile(configurationFile); err == nil && bytes.Equal(present, wanted) {
		return nil
	}
	unfinished := configurationFile + ".new"
	if err := os.WriteFile(unfinished, wanted, 0o644); err != nil {
		return err
	}
	return os.Rename(unfinished, configurationFile)
}

func everywhere(cidr string) string {
	if ip, _, err := net.ParseCIDR(cidr); err == nil && ip.To4() == nil {
		return "::/0"
	}
	return "0.0.0.0/0"
}

// mtu is that of the node's own interface: a pod that sends more would be fragmented on the way out.
func mtu() int {
	if outside, err := net.InterfaceByName("eth0"); err == nil {
		return outside.MTU
	}
	return 1500
}
