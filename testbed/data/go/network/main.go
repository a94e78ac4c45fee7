// The pod network of the bed's clusters. It does what kindnetd does on a real kind node, at the same moments,
// because a cluster's time until Ready is decided by them; kindnetd itself is not served as a Go module. On each
// node it
//   - masquerades what pods send to addresses outside the pod network, from its start on,
//   - looks at the nodes at its start and then every 10 s; each look writes the CNI configuration for the node's
//     own pod CIDR and sets the routes to the pod CIDRs of the others.
//
// The first look is made before the informer has heard of any node, so it sees none: on a real node, too, the
// configuration comes 10 s after the start. A line such as "main.go:247" names the line of kind's
// images/kindnetd/cmd/kindnetd at v0.25.0; up to kind 0.33 only the network policies and names in main.go changed.
package main

import (
	"log"
	"net"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	lookEvery       = 10 * time.Second // main.go:248
	masqueradeEvery = 60 * time.Second // main.go:188, 203
)

// pauses follow the attempts at what may fail for a moment: main.go:94, 254, 267.
var pauses = []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second}

func main() {
	config, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	// main.go:83
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	config.ContentType = "application/vnd.kubernetes.protobuf"
	if endpoint := os.Getenv("CONTROL_PLANE_ENDPOINT"); endpoint != "" && reachable(endpoint) {
		config.Host = "https://" + endpoint
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}

	v4, v6 := byFamily(strings.Split(strings.TrimSpace(os.Getenv("POD_SUBNET")), ","))
	network := &podNetwork{
		hostIP:    os.Getenv("HOST_IP"),
		dualStack: len(v4) > 0 && len(v6) > 0,
		file:      &configuration{path: configurationFile, mtu: mtu()},
	}
	// At once and on their own, before the first node is known: main.go:180 to 208.
	for command, subnets := range map[string][]string{"iptables": v4, "ip6tables": v6} {
		if len(subnets) > 0 {
			go masqueradeForever(command, subnets)
		}
	}

	factory := informers.NewSharedInformerFactory(client, 0)
	nodes := factory.Core().V1().Nodes().Lister()
	// The network policies want these; nothing here reads them, but the API server answers them as it does kindnetd.
	factory.Core().V1().Pods().Informer()
	factory.Core().V1().Namespaces().Informer()
	factory.Networking().V1().NetworkPolicies().Informer()
	factory.Start(nil)

	// Nobody waits for the informer here, nor does main.go:247 to 287: the first list is empty.
	ticker := time.NewTicker(lookEvery)
	for {
		all, err := nodes.List(labels.Everything())
		if err != nil {
			log.Fatal(err)
		}
		patiently(func() error { return network.apply(all) })
		<-ticker.C
	}
}

// reachable asks five times: main.go:94. The service address, the other way, needs kube-proxy, which may start later.
func reachable(endpoint string) bool {
	for _, pause := range pauses {
		connection, err := net.DialTimeout("tcp", endpoint, time.Second)
		if err == nil {
			connection.Close()
			return true
		}
		log.Printf("%s: %v", endpoint, err)
		time.Sleep(pause)
	}
	return false
}

// patiently gives up after five attempts; the kubelet then restarts the container: main.go:267.
func patiently(attempt func() error) {
	var err error
	for _, pause := range pauses {
		if err = attempt(); err == nil {
			return
		}
		log.Print(err)
		time.Sleep(pause)
	}
	log.Fatalf("after %d attempts: %v", len(pauses), err)
}
