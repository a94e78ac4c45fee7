package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const configurationFile = "/etc/cni/net.d/10-kindnet.conflist"

// configuration is the node's CNI configuration file. What was written last is known from memory alone, so the
// first look that sees the node always writes, over whatever is there, and later ones only after a change: cni.go:132.
type configuration struct {
	path string
	// mtu is that of the node's eth0 when the program started; 0 leaves it to the plugin.
	mtu  int
	last string
}

// write puts the file in place by a rename, so that nobody reads half of it: cni.go:141 to 158.
func (c *configuration) write(content string) error {
	if content == c.last {
		return nil
	}
	unfinished := c.path + ".temp"
	if err := writeSynced(unfinished, content); err != nil {
		os.Remove(unfinished)
		return err
	}
	if err := os.Rename(unfinished, c.path); err != nil {
		return err
	}
	c.last = content
	return nil
}

func writeSynced(path, content string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.WriteString(content); err != nil {
		return err
	}
	return file.Sync()
}

// render gives the same bytes as kindnetd, blank lines and tabs included, so that a file that somebody wrote in
// advance for kindnetd can be compared with it: cni.go:82 to 120.
func render(subnets, destinations []string, mtu int) string {
	ranges, routes := []string{}, []string{}
	for _, subnet := range subnets {
		ranges = append(ranges, fmt.Sprintf("[ { %q: %q } ]", "subnet", subnet))
	}
	for _, destination := range destinations {
		routes = append(routes, fmt.Sprintf("{ %q: %q }", "dst", destination))
	}
	lines := slices.Concat(
		[]string{"", "{"},
		indent(1, pair("cniVersion", `"0.3.1",`), pair("name", `"kindnet",`), pair("plugins", "["), "{"),
		indent(2, pair("type", `"ptp",`), pair("ipMasq", "false,"), pair("ipam", "{")),
		indent(3, pair("type", `"host-local",`), pair("dataDir", `"/run/cni-ipam-state",`)),
		list("routes", routes, "],"),
		list("ranges", ranges, "]"),
		indent(2, "}"),
		mtuLines(mtu),
		indent(1, "},", "{"),
		indent(2, pair("type", `"portmap",`), pair("capabilities", "{")),
		indent(3, pair("portMappings", "true")),
		indent(2, "}"),
		indent(1, "}", "]"),
		[]string{"}", ""},
	)
	return strings.Join(lines, "\n")
}

func list(name string, entries []string, end string) []string {
	lines := slices.Concat(indent(3, pair(name, "[")), indent(4, "", ""))
	for i, entry := range entries {
		if i > 0 {
			lines = append(lines, indent(4, ",")...)
		}
		lines = append(lines, indent(4, entry)...)
	}
	return append(lines, indent(3, end)...)
}

func mtuLines(mtu int) []string {
	if mtu == 0 {
		return indent(2, "")
	}
	return indent(2, ",", pair("mtu", fmt.Sprint(mtu)), "")
}

func pair(name, value string) string {
	return fmt.Sprintf("%q: %s", name, value)
}

func indent(depth int, lines ...string) []string {
	indented := []string{}
	for _, line := range lines {
		indented = append(indented, strings.Repeat("\t", depth)+line)
	}
	return indented
}

// rangesOf gives the node's pod subnets and the destinations that its pods reach through the node. A node that has
// no pod CIDR yet gets a file with an empty subnet, which the next look replaces: cni.go:41 to 63.
func rangesOf(node *corev1.Node) (subnets, destinations []string) {
	const everywhere4, everywhere6 = "0.0.0.0/0", "::/0"
	if len(node.Spec.PodCIDRs) > 1 {
		return node.Spec.PodCIDRs, []string{everywhere4, everywhere6}
	}
	subnets = []string{node.Spec.PodCIDR}
	if isIPv6(node.Spec.PodCIDR) {
		return subnets, []string{everywhere6}
	}
	return subnets, []string{everywhere4}
}

func mtu() int {
	outside, err := net.InterfaceByName("eth0")
	if err != nil {
		return 0
	}
	return outside.MTU
}
