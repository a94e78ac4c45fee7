package main

import (
	"fmt"
	"log"
	"net"
	"os/exec"
	"strings"
	"time"
)

// The names that kindnetd uses, because people look for them in a node's tables: masq.go:82.
const (
	chain   = "KIND-MASQ-AGENT"
	comment = "kind-masq-agent"
)

// masqueradeForever gives what leaves the pod network the node's own address, since nothing outside knows a way
// back to a pod. It looks again every minute, should something have flushed the table, and gives up at the fourth
// failure in a row: masq.go:59 to 79.
func masqueradeForever(command string, subnets []string) {
	failures := 0
	for ticker := time.NewTicker(masqueradeEvery); ; <-ticker.C {
		if err := masquerade(command, subnets); err == nil {
			failures = 0
		} else if failures++; failures > 3 {
			log.Fatal(err)
		}
	}
}

// masquerade sends all traffic that is not for the node itself through one chain, which lets traffic between pods
// keep its source: masq.go:85 to 118.
func masquerade(command string, subnets []string) error {
	if _, err := nat(command, "-S", chain); err != nil {
		if _, err := nat(command, "-N", chain); err != nil {
			return err
		}
	}
	for _, subnet := range subnets {
		if err := ensure(command, chain, "-d", subnet, "-j", "RETURN", "-m", "comment", "--comment", comment); err != nil {
			return err
		}
	}
	if err := ensure(command, chain, "-j", "MASQUERADE", "-m", "comment", "--comment", comment); err != nil {
		return err
	}
	return ensure(command, "POSTROUTING", "-m", "addrtype", "!", "--dst-type", "LOCAL", "-j", chain, "-m", "comment", "--comment", comment)
}

func ensure(command, chain string, rule ...string) error {
	if _, err := nat(command, append([]string{"-C", chain}, rule...)...); err == nil {
		return nil
	}
	_, err := nat(command, append([]string{"-A", chain}, rule...)...)
	return err
}

func nat(command string, arguments ...string) (string, error) {
	arguments = append([]string{"--wait", "-t", "nat"}, arguments...)
	output, err := exec.Command(command, arguments...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", command, strings.Join(arguments, " "), err, output)
	}
	return string(output), nil
}

func byFamily(subnets []string) (v4, v6 []string) {
	for _, subnet := range subnets {
		if isIPv6(subnet) {
			v6 = append(v6, subnet)
		} else if subnet != "" {
			v4 = append(v4, subnet)
		}
	}
	return v4, v6
}

// isIPv6 takes an address or a CIDR.
func isIPv6(text string) bool {
	address, _, _ := strings.Cut(text, "/")
	ip := net.ParseIP(address)
	return ip != nil && ip.To4() == nil
}
