package main

import (
	"fmt"
	"net"
	"slices"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
)

// protocol marks the routes that are ours, so that only ours are removed when a node goes.
const protocol = 163

func routeTo(self string, nodes []*corev1.Node) error {
	wanted := map[string]net.IP{}
	for _, node := range nodes {
		if node.Name == self {
			continue
		}
		for _, cidr := range podCIDRs(node) {
			if gateway := addressFor(cidr, node); gateway != nil {
				wanted[cidr] = gateway
			}
		}
	}
	for cidr, gateway := range wanted {
		_, destination, err := net.ParseCIDR(cidr)
		if err != nil {
			return err
		}
		route := netlink.Route{Dst: destination, Gw: gateway, Protocol: protocol}
		if err := netlink.RouteReplace(&route); err != nil {
			return fmt.Errorf("route to %s via %s: %w", cidr, gateway, err)
		}
	}
	ours, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Protocol: protocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return err
	}
	for _, route := range ours {
		if route.Dst == nil || wanted[route.Dst.String()] != nil {
			continue
		}
		if err := netlink.RouteDel(&route); err != nil {
			return err
		}
	}
	return nil
}

func podCIDRs(node *corev1.Node) []string {
	if len(node.Spec.PodCIDRs) > 0 {
		return node.Spec.PodCIDRs
	}
	if node.Spec.PodCIDR != "" {
		return []string{node.Spec.PodCIDR}
	}
	return nil
}

// addressFor gives the node's address of the same family as the CIDR; a route cannot mix them.
func addressFor(cidr string, node *corev1.Node) net.IP {
	ip, _, err := net.ParseCIDR(cidr)
	if err != nil {
		return nil
	}
	for _, address := range node.Status.Addresses {
		candidate := net.ParseIP(address.Address)
		if address.Type == corev1.NodeInternalIP && candidate != nil && (candidate.To4() == nil) == (ip.To4() == nil) {
			return candidate
		}
	}
	return nil
}

func sameNetwork(a, b *corev1.Node) bool {
	return slices.Equal(podCIDRs(a), podCIDRs(b)) && slices.Equal(a.Status.Addresses, b.Status.Addresses)
}
