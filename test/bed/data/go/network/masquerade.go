package main

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
)

const chain = "BED-MASQUERADE"

// masquerade gives what leaves the pod network the node's own address, since nothing outside knows a way
// back to a pod. Traffic between pods keeps its source, as the Kubernetes network model asks.
func masquerade(subnets []*net.IPNet) error {
	for _, version := range []string{"iptables", "ip6tables"} {
		family := []*net.IPNet{}
		for _, subnet := range subnets {
			if (subnet.IP.To4() == nil) == (version == "ip6tables") {
				family = append(family, subnet)
			}
		}
		if len(family) == 0 {
			continue
		}
		if _, err := run(version, "-n", "-L", chain); err != nil {
			if _, err := run(version, "-N", chain); err != nil {
				return err
			}
		}
		for _, subnet := range family {
			if err := ensure(version, chain, "-d", subnet.String(), "-j", "RETURN"); err != nil {
				return err
			}
		}
		if err := ensure(version, chain, "-j", "MASQUERADE"); err != nil {
			return err
		}
		for _, subnet := range family {
			if err := ensure(version, "POSTROUTING", "-s", subnet.String(), "-m", "addrtype", "!", "--dst-type", "LOCAL", "-j", chain); err != nil {
				return err
			}
		}
	}
	return nil
}

func ensure(version, chain string, rule ...string) error {
	if _, err := run(version, append([]string{"-C", chain}, rule...)...); err == nil {
		return nil
	}
	_, err := run(version, append([]string{"-A", chain}, rule...)...)
	return err
}

func run(version string, arguments ...string) (string, error) {
	arguments = append([]string{"-w", "5", "-t", "nat"}, arguments...)
	output, err := exec.Command(version, arguments...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", version, strings.Join(arguments, " "), err, output)
	}
	return string(output), nil
}

func parseSubnets(list string) []*net.IPNet {
	subnets := []*net.IPNet{}
	for _, text := range strings.Split(list, ",") {
		if _, subnet, err := net.ParseCIDR(strings.TrimSpace(text)); err == nil {
			subnets = append(subnets, subnet)
		}
	}
	return subnets
}
