package main

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
)

// podNetwork is what one node does for its pods at each look at the nodes.
type podNetwork struct {
	hostIP    string
	dualStack bool
	file      *configuration
}

// apply stops at the first node that fails, as main.go:350 to 358 does; the caller tries all of them again.
func (n *podNetwork) apply(nodes []*corev1.Node) error {
	for _, node := range nodes {
		if err := n.applyNode(node); err != nil {
			return err
		}
	}
	return nil
}

// applyNode knows its own node by its address, not by its name: main.go:301.
func (n *podNetwork) applyNode(node *corev1.Node) error {
	v4, v6, own := "", "", false
	for _, address := range node.Status.Addresses {
		if address.Type != corev1.NodeInternalIP {
			continue
		}
		own = own || address.Address == n.hostIP
		if isIPv6(address.Address) {
			v6 = address.Address
		} else {
			v4 = address.Address
		}
	}
	if own {
		subnets, destinations := rangesOf(node)
		return n.file.write(render(subnets, destinations, n.file.mtu))
	}
	for _, cidr := range n.podCIDRs(node) {
		gateway := v4
		if isIPv6(cidr) {
			gateway = v6
		}
		if gateway == "" {
			continue
		}
		if err := routeTo(cidr, net.ParseIP(gateway)); err != nil {
			return err
		}
	}
	return nil
}

// podCIDRs are none until the controller manager has assigned one: main.go:314 to 323.
func (n *podNetwork) podCIDRs(node *corev1.Node) []string {
	if n.dualStack {
		return node.Spec.PodCIDRs
	}
	if node.Spec.PodCIDR == "" {
		return nil
	}
	return []string{node.Spec.PodCIDR}
}

// routeTo replaces a route by another gateway and leaves one by the right gateway alone, whoever set it. The route
// to a node that was removed stays: routes.go:27 to 66.
func routeTo(cidr string, gateway net.IP) error {
	destination, err := netlink.ParseIPNet(cidr)
	if err != nil {
		return err
	}
	wanted := netlink.Route{Dst: destination, Gw: gateway}
	family := netlink.FAMILY_V4
	if gateway.To4() == nil {
		family = netlink.FAMILY_V6
	}
	present, err := netlink.RouteListFiltered(family, &wanted, netlink.RT_FILTER_DST)
	if err != nil {
		return err
	}
	found := false
	for _, route := range present {
		if route.Gw.Equal(gateway) {
			found = true
		} else if err := netlink.RouteDel(&route); err != nil {
			return err
		}
	}
	if found {
		return nil
	}
	if err := netlink.RouteAdd(&wanted); err != nil {
		return fmt.Errorf("route to %s via %s: %w", cidr, gateway, err)
	}
	return nil
}
